"""Faults: processes that freeze, die and come back."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import psutil
import psycopg
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.sdk import RpcFailure

Answer = TypeVar("Answer")


@contextlib.contextmanager
def frozen(mesh: EmbeddedMesh, *names: str) -> Iterator[None]:
    """Stops processes in their tracks (SIGSTOP): who asks them waits. What is still alive goes on at the end.

    Args:
        mesh: The mesh.
        *names: Names of processes.
    """
    processes = [psutil.Process(pid) for name in names if (pid := mesh.children[name].pid) is not None]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


@contextlib.asynccontextmanager
async def locked(mesh: EmbeddedMesh, statement: str, *arguments: str) -> AsyncIterator[None]:
    """Holds a lock in the database: who wants it waits in line, first come first served.

    Args:
        mesh: The mesh.
        statement: Takes the lock.
        *arguments: Its arguments.
    """
    url = mesh.database_url.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(statement.encode(), arguments)
        yield
        with contextlib.suppress(psycopg.OperationalError):  # a database that died meanwhile has let go of it
            await connection.rollback()


async def persist(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Makes a call again and again while the mesh says that a part of it is away, as a good client does.

    Args:
        call: The call; it must be safe to repeat.
    """
    while True:
        try:
            return await call()
        except RpcFailure as failure:
            if not failure.connection_broke and failure.retry_after_s is None:
                raise
        await asyncio.sleep(0.2)
