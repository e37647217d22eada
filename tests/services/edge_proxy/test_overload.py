"""Callers that fill the edge's memory with bodies that never end lose them, and nobody else does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.services.edge_proxy.recorder import Recorder, recording

pytestmark = pytest.mark.service
MIB = 1024 * 1024
HEAD = "POST /v1/captures HTTP/1.1\r\nhost: vitrine\r\nauthorization: Bearer {}\r\ncontent-length: 31000000\r\n\r\n"


async def _hog(recorder: Recorder) -> bool:
    """Sends 30 of 31 MB and waits; tells whether the edge has cut it off."""
    _, writer = await asyncio.open_connection("127.0.0.1", recorder.http.base_url.port)
    with contextlib.closing(writer):
        try:
            writer.write(HEAD.format(recorder.token()).encode() + b'{"image": {"data": "')
            for _ in range(30):
                writer.write(b"A" * 1_000_000)
                await writer.drain()
            await asyncio.sleep(1)
        except ConnectionError:
            return True
        return False


async def test_memory_stays_bounded_over_http_1(tmp_path: Path) -> None:
    async with recording(tmp_path, max_heap_bytes=160 * MIB) as recorder:
        start = recorder.memory_peak()
        cut_off = await asyncio.gather(*(_hog(recorder) for _ in range(20)))
        assert sum(cut_off) >= 14
        assert recorder.memory_peak() < start + 250 * MIB  # they sent 600
        # Envoy looks at its memory ten times a second; until then some requests over HTTP/1.1 get a bare 500.
        await recorder.until_open()


async def test_memory_stays_bounded_over_http_2(tmp_path: Path) -> None:
    async def hog(http: httpx.AsyncClient, token: str) -> bool:
        async def endless() -> AsyncIterator[bytes]:
            yield b'{"image": {"data": "'
            for _ in range(30):
                yield b"A" * 1_000_000
            await asyncio.sleep(1)
            yield b"A" * 10_000_000

        try:
            await http.post("/v1/captures", content=endless(), headers={"authorization": f"Bearer {token}"})
        except httpx.TransportError:
            return True
        return False

    async with recording(tmp_path, max_heap_bytes=128 * MIB) as recorder, contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(http1=False, http2=True, trust_env=False, base_url=recorder.http.base_url)
            )
            for _ in range(6)
        ]
        cut_off = await asyncio.gather(*(hog(http, recorder.token()) for http in clients))
        assert sum(cut_off) >= 2
        # Envoy looks at its memory ten times a second; until then some requests over HTTP/1.1 get a bare 500.
        await recorder.until_open()
