"""What a server streams for ever is read on where it broke, and given up when nothing comes any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import grpc.aio
import pytest
from vitrine.profile.v1 import profile_service_pb2 as profile_pb
from vitrine.sdk import RpcFailure, Vitrine
from vitrine.sdk.following import following

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are made, each of which takes no time."""
    made: list[float] = []
    sleep: Callable[[float], Any] = asyncio.sleep

    def note(seconds: float) -> Any:
        made.append(seconds)
        return sleep(0)

    # Its own name alone: servers that other tests left running in this loop sleep, too.
    monkeypatch.setattr("vitrine.sdk.following.asyncio", SimpleNamespace(sleep=note))
    return made


async def stream_of(*said: int, code: grpc.StatusCode | None = None) -> AsyncIterator[int]:
    for each in said:
        yield each
    if code is not None:
        raise grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone")


async def test_breaks_and_ends_are_taken_up_and_only_those_in_a_row_count(waits: list[float]) -> None:
    calls = iter(
        [stream_of(1, 2), stream_of(3, code=grpc.StatusCode.UNAVAILABLE)]
        + [stream_of() for _ in range(6)]
        + [stream_of(4)]
    )
    seen: list[int] = []
    async for message in following(lambda: next(calls)):
        seen.append(message)
        if message == 4:
            break
    assert seen == [1, 2, 3, 4]
    assert waits == pytest.approx([0.2, 0.2, 0.4, 0.8, 1.6, 2, 2, 2])


async def test_eight_calls_without_a_word_are_given_up(waits: list[float]) -> None:
    with pytest.raises(RpcFailure, match="the server ended the stream"):
        _ = [message async for message in following(stream_of)]
    assert len(waits) == 7


async def test_refusal_is_final(waits: list[float]) -> None:
    with pytest.raises(RpcFailure, match="gone") as caught:
        _ = [it async for it in following(lambda: stream_of(1, code=grpc.StatusCode.PERMISSION_DENIED))]
    assert (caught.value.code, waits) == (grpc.StatusCode.PERMISSION_DENIED, [])


async def test_profile_is_watched_on_from_the_last_change_to_its_erasure(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def watch(request: profile_pb.WatchProfileRequest) -> AsyncIterator[profile_pb.WatchProfileResponse]:
        asked.append(request.after_sequence)
        said = profile_pb.WatchProfileResponse(sequence=len(asked) * 10)
        said.heartbeat.SetInParent() if len(asked) < 3 else said.erased.SetInParent()
        yield said

    async with Vitrine("127.0.0.1:1", user="ada", token="") as mesh:
        monkeypatch.setattr(mesh.profiles, "WatchProfile", watch)
        seen = [message.sequence async for message in mesh.watch_profile()]
    assert (seen, asked) == ([10, 20, 30], [0, 10, 20])
