"""Phones that stream in step with the clock, in a process of their own so that they do not disturb whom they measure.

    python bench/_frames_phones.py < orders.json

Opens all streams, prints a line, waits for one, streams, and prints what it saw as one line of JSON. With `frames` 0 it
holds the streams open until the next line comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from vitrine.ingest.v1 import frame_pb2

from bench._frames_load import FRAME_S, STOP, STREAM, Mode, Response, clip, config, frame
from bench._frames_talk import Call, channel, socket

_CLIP_FRAMES = 240


@dataclass(frozen=True)
class Orders:
    """What phones shall do.

    Attributes:
        port: Where.
        websocket: Over WebSocket.
        mode: How keyframes are chosen.
        users: The token of each stream's user, by name; one stream for each.
        frames: Frames of each stream's life, one every 0.1 s.
        lives: How often each stream is ended and opened anew.
    """

    port: int
    websocket: bool
    mode: Mode
    users: dict[str, str]
    frames: int
    lives: int = 1


@dataclass
class Seen:
    """What phones saw.

    Attributes:
        waits_ms: From sending a frame to its acknowledgement.
        sent: Frames sent.
        dropped: Frames that ended in none of processed, skipped, same scene.
        results: Results of keyframes.
        behind_ms: How late the phones themselves were in sending, at worst.
    """

    waits_ms: list[float] = field(default_factory=list)
    sent: int = 0
    dropped: int = 0
    results: int = 0
    behind_ms: float = 0.0


@dataclass(frozen=True)
class Line:
    """An open stream."""

    write: Callable[[bytes], Awaitable[None]]
    read: Callable[[], Awaitable[Any]]


@contextlib.asynccontextmanager
async def opened(orders: Orders, user: str) -> AsyncIterator[Line]:
    """Opens a stream; the server has said that it is ready."""
    token = orders.users[user]
    if orders.websocket:
        async with socket(orders.port, token, "vitrine.v1.proto") as web:
            yield await _begun(Line(web.send, web.recv), orders, user)
        return
    async with channel(orders.port) as way:
        call: Call = way.stream_stream(STREAM)(metadata=(("authorization", f"Bearer {token}"),))
        yield await _begun(Line(call.write, call.read), orders, user)


async def _begun(line: Line, orders: Orders, user: str) -> Line:
    await line.write(config(user, orders.mode))
    await line.read()
    return line


async def live(line: Line, orders: Orders, shots: list[bytes], index: int, seen: Seen) -> None:
    """Streams one life of one phone, to its end."""
    sent: dict[int, float] = {}

    async def read() -> frame_pb2.FrameTotals:
        while True:
            event = Response.FromString(await line.read())
            if event.ack.frame_number in sent:
                seen.waits_ms.append((time.perf_counter() - sent.pop(event.ack.frame_number)) * 1e3)
            seen.results += event.HasField("result")
            if event.stats.final:
                return event.stats.totals

    reading = asyncio.create_task(read())
    start = time.perf_counter()
    for number in range(1, orders.frames + 1):
        due = start + number * FRAME_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sent[number] = now = time.perf_counter()
        seen.behind_ms = max(seen.behind_ms, (now - due) * 1e3)
        await line.write(frame(number, shots[(index + number) % len(shots)], number * FRAME_S))
    await line.write(STOP)
    totals = await reading
    good = totals.processed_count + totals.skipped_interval_count + totals.skipped_same_scene_count
    seen.sent, seen.dropped = seen.sent + orders.frames, seen.dropped + orders.frames - good


async def main() -> None:
    loop = asyncio.get_running_loop()
    orders = Orders(**json.loads(sys.stdin.readline()))
    shots, seen, users = clip(moving=True, frames=_CLIP_FRAMES), Seen(), list(orders.users)

    async def phone(index: int, line: Line, ends: contextlib.AsyncExitStack) -> None:
        await asyncio.sleep(FRAME_S * index / len(users))  # phones are not in step with each other
        await live(line, orders, shots, index, seen)
        await ends.aclose()
        for _ in range(1, orders.lives):
            async with opened(orders, users[index]) as again:
                await live(again, orders, shots, index, seen)

    async with contextlib.AsyncExitStack() as stack:
        ends = [await stack.enter_async_context(contextlib.AsyncExitStack()) for _ in users]
        lines = [await end.enter_async_context(opened(orders, user)) for end, user in zip(ends, users, strict=True)]
        print("open", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        if orders.frames:
            async with asyncio.TaskGroup() as group:
                for index, (line, end) in enumerate(zip(lines, ends, strict=True)):
                    group.create_task(phone(index, line, end))
    print(json.dumps(asdict(seen)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
