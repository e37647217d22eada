"""The stream of the SDK against a small server that follows the contract and breaks where a test wants it to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from vitrine.ingest.v1 import capture_pb2, capture_service_pb2, frame_pb2, stream_service_pb2
from vitrine.sdk import CameraFrame, FrameStream, Reconnected, RpcFailure, StreamSettings, Vitrine

from tests.support.waiting import until
from tests.unit.client.servers import client_of, streaming

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]
NAME = "users/ada/captures/0"
TOKEN, EARLIER = "resume me", "of a process that is gone"


class Server:
    """Says ready, takes frames, and says goodbye to `stop`; hangs up on the first `configure` of a connection."""

    def __init__(self) -> None:
        self.configs: list[stream_service_pb2.StreamConfig] = []
        self.frames: list[int] = []
        self.highest = 0  # of the session that is resumed
        self.watches = 0
        self.breaks = 0
        self.full = 0  # configs that are refused before one is taken
        self.calls = 0
        self.refuse_after: int | None = None  # messages that a call may send before it is refused
        self.last_state = capture_pb2.Capture.STATE_SUCCEEDED

    async def StreamFrames(self, requests: AsyncIterator[Any], context: Any) -> Any:  # noqa: N802
        self.calls += 1
        taken = 0
        if self.refuse_after == 0:
            await _refuse(context)
        async for request in requests:
            taken += 1
            if taken == self.refuse_after:
                await _refuse(context)
            kind = request.WhichOneof("message")
            if kind == "config":
                self.configs.append(request.config)
                if len(self.configs) <= self.full:
                    await context.abort_with_status(rpc_status.to_status(_full()))
                totals = frame_pb2.FrameTotals(highest_frame_number=self.highest)
                ready = stream_service_pb2.StreamReady(resume_token=TOKEN, totals=totals)
                yield stream_service_pb2.StreamFramesResponse(ready=ready)
            elif kind == "frame":
                self.frames.append(request.frame.frame_number)
            elif request.command.WhichOneof("command") == "configure":
                await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            elif request.command.WhichOneof("command") == "stop":
                yield stream_service_pb2.StreamFramesResponse(stats=stream_service_pb2.StreamStats(final=True))

    async def WatchCapture(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        self.watches += 1
        final = self.watches > self.breaks
        state = self.last_state if final else capture_pb2.Capture.STATE_PROCESSING
        capture = capture_pb2.Capture(name=NAME, state=state)
        yield capture_service_pb2.WatchCaptureResponse(change=capture_service_pb2.CaptureChange(capture=capture))


def _full() -> status_pb2.Status:
    status = status_pb2.Status(code=8, message="this server has 1 streams open, which is the limit")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="CAPACITY_REACHED", domain="vitrine.dev"))
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(300)
    status.details.add().Pack(retry)
    return status


async def _refuse(context: Any) -> None:
    await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not yours")


@pytest.fixture
def service() -> Server:
    return Server()


@pytest.fixture
async def mesh(service: Server) -> AsyncIterator[Vitrine]:
    watch = grpc.unary_stream_rpc_method_handler(
        service.WatchCapture,
        capture_service_pb2.WatchCaptureRequest.FromString,
        capture_service_pb2.WatchCaptureResponse.SerializeToString,
    )
    async with client_of(("CaptureService/WatchCapture", watch), streaming(service)) as client:
        yield client


async def _camera(
    count: int, error: Exception | None = None, wait: asyncio.Event | None = None, jpeg: bytes = b"jpeg"
) -> Any:
    for number in range(count):
        yield CameraFrame(jpeg, float(number))
    if wait is not None:
        await wait.wait()
    if error is not None:
        raise error


async def test_a_full_server_is_asked_again_when_it_says_so(mesh: Vitrine, service: Server) -> None:
    service.full = 2
    stream, began = FrameStream(mesh), time.monotonic()
    events = [event async for event in stream.events(_camera(3))]
    assert time.monotonic() - began >= 0.6  # twice what it said, however soon it could have been asked
    assert len(service.configs) == 3
    assert service.frames == [1, 2, 3]
    [waited] = [event for event in events if isinstance(event, Reconnected)]
    assert waited.cause.server_is_full


async def test_a_server_that_stays_full_is_given_up(mesh: Vitrine, service: Server) -> None:
    service.full = 1000
    with pytest.raises(RpcFailure) as caught:
        _ = [event async for event in FrameStream(mesh, StreamSettings(give_up_after_s=0.2)).events(_camera(3))]
    assert (caught.value.reason, caught.value.retry_after_s) == ("CAPACITY_REACHED", 0.3)
    assert len(service.configs) == 2


@pytest.mark.parametrize("seen", [0, 3], ids=["at once", "after three frames"])
async def test_a_camera_that_breaks_ends_the_stream_with_its_error(mesh: Vitrine, service: Server, seen: int) -> None:
    stream = FrameStream(mesh)
    with pytest.raises(FileNotFoundError, match="no camera"):
        async with asyncio.timeout(10):
            _ = [event async for event in stream.events(_camera(seen, FileNotFoundError("no camera")))]
    assert service.frames == list(range(1, seen + 1))


@pytest.mark.parametrize("after", [0, 1, 3], ids=["at once", "for its config", "for its second frame"])
async def test_refusal_is_the_servers_own_and_final(mesh: Vitrine, service: Server, after: int) -> None:
    """Writes that fail meanwhile make grpc.aio say INTERNAL in two cases of five."""

    async def nobody_waits_for_ever() -> bool:
        return len(asyncio.all_tasks()) <= tasks

    service.refuse_after = after
    tasks = len(asyncio.all_tasks())
    for _ in range(20):
        with pytest.raises(RpcFailure, match="PERMISSION_DENIED: not yours"):
            _ = [event async for event in FrameStream(mesh).events(_camera(30, jpeg=bytes(60_000)))]
    assert service.calls == 20
    await until(nobody_waits_for_ever, within_s=5)


async def test_what_was_configured_holds_on_the_next_connection(mesh: Vitrine, service: Server) -> None:
    go_on = asyncio.Event()
    settings = StreamSettings(keyframes=frame_pb2.KeyframeConfig(min_interval_s=1, max_interval_s=9))
    stream = FrameStream(mesh, settings)
    async for event in stream.events(_camera(1, wait=go_on)):
        if isinstance(event, Reconnected):
            go_on.set()
        elif event.WhichOneof("event") == "ready" and len(service.configs) == 1:
            stream.configure(frame_pb2.KeyframeConfig(min_interval_s=0.25))
    first, second = service.configs
    assert (first.keyframes.min_interval_s, first.resume_token) == (1, "")
    assert (second.keyframes.min_interval_s, second.keyframes.max_interval_s) == (0.25, 9)
    assert second.resume_token == TOKEN
    assert settings.keyframes.min_interval_s == 1


class _Notes:
    def __init__(self) -> None:
        self.said: list[tuple[str, int]] = []

    def taken(self, number: int, frame: CameraFrame) -> None:
        assert frame.jpeg == b"jpeg"
        self.said.append(("taken", number))

    def dropped(self, number: int) -> None:
        self.said.append(("dropped", number))

    def sent(self, number: int) -> None:
        self.said.append(("sent", number))


async def test_a_witness_is_told_of_every_frame(mesh: Vitrine, service: Server) -> None:
    notes = _Notes()
    stream = FrameStream(mesh, StreamSettings(max_pending_frames=2, witness=notes))
    _ = [event async for event in stream.events(_camera(5))]
    assert [number for what, number in notes.said if what == "taken"] == [1, 2, 3, 4, 5]
    assert [number for what, number in notes.said if what == "sent"] == service.frames
    assert {number for _, number in notes.said} == {1, 2, 3, 4, 5}
    ends = [number for what, number in notes.said if what != "taken"]
    assert sorted(ends) == [1, 2, 3, 4, 5]
    assert ("dropped", 1) in notes.said, "three came before the connection was there, and the newest two may wait"


@pytest.mark.parametrize(("highest", "after", "first"), [(7, 0, 8), (7, 12, 13), (7, 3, 8)])
async def test_another_process_goes_on_with_the_token(
    mesh: Vitrine, service: Server, highest: int, after: int, first: int
) -> None:
    """Its frames never get a number that the process before it had given: numbers make the ids of results."""
    service.highest = highest
    stream = FrameStream(mesh, StreamSettings(resume_token=EARLIER, resume_after=after))
    _ = [event async for event in stream.events(_camera(2))]
    assert service.configs[0].resume_token == EARLIER
    assert service.frames == [first, first + 1]
    assert (stream.resume_token, stream.frame_number) == (TOKEN, first + 1)


async def test_following_a_capture_outlasts_any_number_of_breaks_with_news_between(
    mesh: Vitrine, service: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.breaks = 12
    _hurry(monkeypatch)
    states = [capture.state async for capture in mesh.follow(NAME)]
    assert states[-1] == capture_pb2.Capture.STATE_SUCCEEDED
    assert len(states) == 13


async def test_following_a_capture_fails_when_the_mesh_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    _hurry(monkeypatch)
    async with Vitrine("127.0.0.1:1", user="ada", token="") as client:
        with pytest.raises(RpcFailure) as caught:
            _ = [capture async for capture in client.follow(NAME)]
    assert caught.value.connection_broke


def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep: Callable[[float], Any] = asyncio.sleep
    shorter = SimpleNamespace(sleep=lambda seconds: sleep(seconds / 100))
    monkeypatch.setattr("vitrine.sdk.following.asyncio", shorter)
