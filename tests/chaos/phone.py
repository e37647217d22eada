"""A client process to be killed: streams, and says after each event what another process needs to go on."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator

from vitrine.sdk import CameraFrame, FrameStream, Reconnected, StreamSettings, Vitrine

from tests.chaos.photos import outfit


async def _camera() -> AsyncIterator[CameraFrame]:
    for index in range(10_000):
        yield CameraFrame(outfit(index // 5 % 9), time.time())
        await asyncio.sleep(0.1)


async def _stream(target: str, user: str, token: str) -> None:
    results = 0
    async with Vitrine(target, user=user, token=token) as ada:
        stream = FrameStream(ada, StreamSettings())
        async for event in stream.events(_camera()):
            results += not isinstance(event, Reconnected) and event.WhichOneof("event") == "result"
            kept = {"token": stream.resume_token, "number": stream.frame_number, "results": results}
            print(json.dumps(kept), flush=True)  # noqa: T201 - another process reads it


if __name__ == "__main__":
    asyncio.run(_stream(*sys.argv[1:]))
