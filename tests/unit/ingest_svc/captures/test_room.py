"""Bytes of pictures that wait."""

from __future__ import annotations

import contextlib

import pytest

from ingest_svc.captures.room import PictureRoom
from mesh.errors import ResourceExhaustedError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("held", "size", "fits"),
    [
        pytest.param([], 0, True, id="nothing"),
        pytest.param([], 99, True, id="one that is above the limit by itself"),
        pytest.param([4, 3], 3, True, id="just the limit"),
        pytest.param([4, 3], 4, False, id="one byte more"),
        pytest.param([99], 1, False, id="beside one above the limit"),
    ],
)
def test_pictures_fit_while_their_bytes_do(held: list[int], size: int, fits: bool) -> None:
    room = PictureRoom(10)
    with contextlib.ExitStack() as stack:
        for other in held:
            stack.enter_context(room.hold(other))
        if fits:
            stack.enter_context(room.hold(size))
            assert (room.held_bytes, room.held_count) == (sum(held) + size, len(held) + 1)
        else:
            with pytest.raises(ResourceExhaustedError) as caught:
                stack.enter_context(room.hold(size))
            assert caught.value.reason == "CAPACITY_REACHED"
            assert caught.value.metadata == {"limit": "10", "unit": "bytes"}
            assert caught.value.retry_after_s
            assert (room.held_bytes, room.held_count) == (sum(held), len(held))
    assert (room.held_bytes, room.held_count) == (0, 0)


def test_failure_gives_the_room_back() -> None:
    room = PictureRoom(10)
    with pytest.raises(ValueError, match="bad picture"), room.hold(10):
        raise ValueError("bad picture")
    assert room.held_bytes == 0
