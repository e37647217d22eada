"""Killing processes of a mesh, and waiting until it and the streams on it are well again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from vitrine.embedded.mesh import EmbeddedMesh

from tests.chaos.diary import Diary
from tests.chaos.riders import Rider, SdkRider
from tests.chaos.scenes import STRICT

_BEHIND = ("vision", "retrieval", "profile", "worker")
_REPLICAS = ("ingest", "ingest-2")
# What is killed at one stroke, stroke by stroke. A stream is on one replica or the other: each in turn hits all.
VICTIMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "each replica": tuple((name,) for name in _REPLICAS),
    "envoy": (("envoy",),),
    "postgres": (("postgres",),),
    "all behind": (_BEHIND,),
}
if STRICT:  # the default suite kills what stands behind the streams at one stroke only
    VICTIMS |= {name: ((name,),) for name in _BEHIND} | {"all before": ((*_REPLICAS, "envoy", "postgres"),)}

Riders = Sequence[SdkRider | Rider]


async def kill(mesh: EmbeddedMesh, names: tuple[str, ...]) -> None:
    """Kills processes with SIGKILL and waits until all of the mesh is well by its own health.

    Args:
        mesh: The mesh.
        names: The processes.
    """
    old = {name: mesh.kill(name) for name in names if name != "postgres"}
    if "postgres" in names:
        await mesh.restart_postgres(crash=True)
    await asyncio.gather(*(mesh.children[name].successor_of(pid) for name, pid in old.items()))
    await mesh.wait_ready()


@contextlib.asynccontextmanager
async def under_way(riders: Riders) -> AsyncIterator[list[asyncio.Task[Diary]]]:
    """Drives streams; those that have not ended at the end of the block are cut off.

    Args:
        riders: The streams.
    """
    riding = [asyncio.create_task(rider.ride()) for rider in riders]
    try:
        yield riding
    finally:
        for task in riding:
            task.cancel()
        await asyncio.gather(*riding, return_exceptions=True)


async def all_hold(riders: Riders, riding: Sequence[asyncio.Task[Diary]], holds: Callable[[Diary], bool]) -> None:
    """Waits until something holds for each stream.

    Args:
        riders: The streams.
        riding: What drives them.
        holds: Says whether it does.
    """
    while not all(holds(it.diary) for it in riders):
        for task in riding:
            if task.done():
                await task
                pytest.fail("a stream ended before its time")
        await asyncio.sleep(0.02)
