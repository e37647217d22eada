"""The SDK and the command line against the whole mesh."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import cv2
import grpc
import numpy as np
import numpy.typing as npt
import pytest
from vitrine.cli.clip import clip_of, encode, read_photo
from vitrine.cli.demo import sample_photo
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.ingest.v1 import capture_pb2, frame_pb2, stream_service_pb2
from vitrine.sdk import CameraFrame, FrameStream, Reconnected, RpcFailure, StreamSettings, Vitrine
from vitrine.sdk.outcomes import ENDS

from tests.support.mesh import client, command_line

pytestmark = pytest.mark.mesh


@pytest.fixture(scope="module")
def photo() -> Path:
    path = sample_photo()
    assert path is not None
    return path


@pytest.mark.usefixtures("shop")
async def test_capture_is_followed_to_its_result(ada: Vitrine, photo: Path) -> None:
    queued = await ada.capture(encode(read_photo(photo)), cropped=True)
    assert queued.state == capture_pb2.Capture.STATE_QUEUED
    states = [capture async for capture in ada.follow(queued.name)]
    done = states[-1]
    assert done.state == capture_pb2.Capture.STATE_SUCCEEDED
    assert done.blurred_face_count >= 1
    assert done.outfit.garments
    assert len(done.outfit.matches) == len(done.outfit.garments)
    assert all(found.matches for found in done.outfit.matches)
    assert done.outfit.taste_change.after.sighting_count == done.outfit.taste_change.before.sighting_count + 1
    progress = [capture.progress_percent for capture in states]
    assert progress == sorted(progress)


@pytest.mark.usefixtures("shop")
async def test_stream_gives_one_outcome_per_frame_and_results(ada: Vitrine, photo: Path) -> None:
    stream = FrameStream(ada, StreamSettings(source="test"))
    acked, results, final = set(), [], None
    async for event in stream.events(clip_of(read_photo(photo), fps=5)):
        assert not isinstance(event, Reconnected)
        kind = event.WhichOneof("event")
        if kind == "ack":
            acked.add(event.ack.frame_number)
        elif kind == "result":
            results.append(event.result)
        elif kind == "stats" and event.stats.final:
            final = event.stats.totals
    assert final is not None
    assert acked == set(range(1, final.highest_frame_number + 1))
    assert final.processed_count == len(results) >= 2
    assert any(result.garments and result.matches for result in results)


@pytest.mark.usefixtures("shop")
async def test_search_explains_its_order(ada: Vitrine) -> None:
    found = await ada.search_text("dress", page_size=5)
    assert found.matches
    for match in found.matches:
        assert sum(term.contribution for term in match.terms) == pytest.approx(match.score, abs=1e-3)


async def test_failures_name_reason_field_and_request(ada: Vitrine) -> None:
    with pytest.raises(RpcFailure) as caught:
        await ada.capture(b"not a picture")
    failure = caught.value
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_FORMAT_UNSUPPORTED")
    assert list(failure.fields) == ["image.data"]
    assert failure.advice
    assert failure.request_id


async def test_stream_survives_its_replica(
    own_mesh: Callable[..., AbstractAsyncContextManager[EmbeddedMesh]],
) -> None:
    """An ingest replica is killed under an open stream: the client goes on with the other one, and nothing is lost."""
    async with own_mesh(replicas={"ingest": 2}) as mesh, client(mesh) as ada:
        settings = StreamSettings(
            keyframes=frame_pb2.KeyframeConfig(min_interval_s=0.3, max_interval_s=0.5),
            results=stream_service_pb2.ResultOptions(skip_matches=True, skip_taste=True),
            max_pending_frames=200,
        )
        stream = FrameStream(ada, settings)
        numbers: list[int] = []
        reconnected = 0
        final = None
        async for event in stream.events(_colours(mesh, kill_at=15, count=50)):
            if isinstance(event, Reconnected):
                reconnected += 1
                continue
            kind = event.WhichOneof("event")
            if kind == "result":
                numbers.append(event.result.frame_number)
            elif kind == "stats" and event.stats.final:
                final = event.stats.totals
        assert reconnected >= 1
        assert len(numbers) == len(set(numbers))
        assert final is not None
        assert final.highest_frame_number == 50
        assert sum(getattr(final, f"{part}_count") for part in ENDS) == 50


async def _colours(mesh: EmbeddedMesh, *, kill_at: int, count: int) -> AsyncIterator[CameraFrame]:
    """Frames of changing brightness at 10 fps; the replica that holds the stream is killed on the way."""
    for number in range(count):
        if number == kill_at:
            for name in ("ingest", "ingest-2"):
                if await asyncio.to_thread(_has_stream, mesh, name):
                    mesh.kill(name)
        frame = np.full((240, 320, 3), 40 + 50 * (number // 5 % 4), np.uint8)
        jpeg = cv2.imencode(".jpg", frame)[1].tobytes()
        yield CameraFrame(jpeg, 1_700_000_000 + number / 10)
        await asyncio.sleep(0.1)


def _has_stream(mesh: EmbeddedMesh, name: str) -> bool:
    port = mesh.ports(name)["metrics"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as response:
        text = response.read().decode()
    lines = [line for line in text.splitlines() if line.startswith("vitrine_sessions") and "stream" in line]
    return any(line.rsplit(" ", 1)[1] != "0.0" for line in lines)


async def test_folder_with_a_broken_picture_is_streamed_without_it(
    shop: EmbeddedMesh, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "1.jpg").write_bytes(encode(read_photo(photo)))
    (tmp_path / "2.jpg").write_bytes(b"no picture")
    code, lines = await command_line(shop, "stream", str(tmp_path))
    assert code == 1
    events = [next(key for key in line if key not in {"sequence", "serverTime"}) for line in lines]
    assert events[-1] == "warning"
    assert str(tmp_path / "2.jpg") in str(lines[-1])
    assert {"result", "stats"} <= set(events)


def _detail(image_bgr: npt.NDArray[np.uint8]) -> float:
    """How much fine detail a picture has: the variance of its Laplacian."""
    grey = cv2.cvtColor(np.ascontiguousarray(image_bgr), cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


async def test_board_shows_the_photo_with_its_face_blurred(shop: EmbeddedMesh, photo: Path, tmp_path: Path) -> None:
    file = tmp_path / "board.png"
    code, lines = await command_line(shop, "capture", str(photo), "--board", str(file))
    assert (code, lines[-1]) == (0, {"board": str(file)})
    board = cv2.imread(str(file))
    assert board is not None
    assert board.shape[1] == 1600
    # The square photo is 548 pixels wide on the board, from (84, 156); her face stands above its middle.
    sent = cv2.resize(read_photo(photo), (548, 548), interpolation=cv2.INTER_AREA)
    shown = board[156 : 156 + 548, 84 : 84 + 548]
    face, wall = np.s_[75:160, 190:300], np.s_[20:120, 300:400]
    assert _detail(np.asarray(shown[face], np.uint8)) < 0.05 * _detail(np.asarray(sent[face], np.uint8))
    assert np.abs(shown[wall].astype(int) - sent[wall]).mean() < 15  # it is this photo, and in its place


async def test_impersonal_ranking_uses_nothing_of_the_profile(shop: EmbeddedMesh, photo: Path) -> None:
    await command_line(shop, "capture", str(photo))  # so that a taste is known
    for words, used in (((), True), (("--impersonal",), False)):
        code, lines = await command_line(shop, "capture", str(photo), *words)
        assert code == 0
        outfit = lines[0]["outfit"]
        assert isinstance(outfit, dict)
        assert ("taste" in outfit.get("usedContext", [])) == used
    code, lines = await command_line(shop, "stream", str(photo), "--impersonal")
    results = [line["result"] for line in lines if "result" in line]
    assert code == 0
    assert results
    assert not any("usedContext" in str(result) for result in results)


async def test_search_takes_filters_and_pages_and_a_capture_is_undone(shop: EmbeddedMesh, photo: Path) -> None:
    words = ("search", "something nice", "--category", "coat", "--max-price", "300EUR", "-n", "1", "--diverse")
    pages: list[list[str]] = []
    more: tuple[str, ...] = ()
    for _ in range(2):
        code, lines = await command_line(shop, *words, *more)
        assert code == 0
        matches = lines[0]["matches"]
        assert isinstance(matches, list)
        assert all(match["product"]["category"] == "coat" for match in matches)
        assert all(int(match["convertedPrice"].get("units", 0)) <= 300 for match in matches)
        pages.append([match["product"]["name"] for match in matches])
        more = more or ("--page", str(lines[0]["nextPageToken"]))
    assert len({name for page in pages for name in page}) == 2
    code, lines = await command_line(shop, *words[:2], *more)
    error = lines[0]["error"]
    assert isinstance(error, dict)
    assert (code, error["reason"]) == (1, "INVALID_PAGE_TOKEN")  # a page of another search

    _, lines = await command_line(shop, "capture", str(photo))
    capture = str(lines[0]["name"])
    code, lines = await command_line(shop, "search", "coat", "--personal", "-n", "1")
    assert code == 0
    assert "'taste'" in str(lines[0]["matches"])  # a term of the score
    for duplicate in (False, True):
        code, lines = await command_line(shop, "undo", capture)
        assert code == 0
        assert lines[0].get("duplicate", False) == duplicate
        change = lines[0]["change"]
        assert isinstance(change, dict)
        assert (change["eventId"], change["undo"]) == (capture.rpartition("/")[2], True)
        before, after = (int(change[side].get("sightingCount", 0)) for side in ("before", "after"))
        assert after == before - 1


async def test_search_is_saved_as_a_picture(shop: EmbeddedMesh, tmp_path: Path) -> None:
    file = tmp_path / "search.webp"
    code, lines = await command_line(shop, "search", "navy coat", "--board", str(file))
    assert (code, lines[-1]) == (0, {"board": str(file)})
    board = cv2.imread(str(file))
    assert board is not None
    assert board.shape[1] == 1600


async def test_command_line_speaks_json(shop: EmbeddedMesh, photo: Path) -> None:
    code, lines = await command_line(shop, "capture", str(photo))
    assert (code, lines[0]["state"]) == (0, "STATE_SUCCEEDED")
    code, lines = await command_line(shop, "search", "navy coat", "-n", "3")
    assert code == 0
    assert isinstance(lines[0]["matches"], list)
    assert {match["product"]["category"] for match in lines[0]["matches"]} == {"coat"}
    code, lines = await command_line(shop, "search", "coat", "-n", "1")
    assert isinstance(lines[0]["matches"], list)
    assert (code, len(lines[0]["matches"])) == (0, 1)
    code, lines = await command_line(shop, "stream", str(photo))
    assert code == 0
    events = [next(key for key in line if key not in {"sequence", "serverTime"}) for line in lines]
    assert {"ready", "ack", "result", "stats"} <= set(events)
    code, lines = await command_line(shop, "profile")
    assert (code, lines[0]["name"]) == (0, "users/demo/profile")
    code, lines = await command_line(shop, "status")
    assert (code, lines[0]["phase"]) == (0, "ready")
    assert "database_url" not in lines[0]
    code, lines = await command_line(shop, "capture", __file__)
    assert code == 1
    error = lines[0]["error"]
    assert isinstance(error, dict)
    assert error["reason"] == "IMAGE_FORMAT_UNSUPPORTED"
