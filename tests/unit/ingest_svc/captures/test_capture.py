"""Ids, keys, digests and waits of captures."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from ingest_svc.captures.capture import (
    Stage,
    State,
    digest_of,
    etag_of,
    new_capture_id,
    object_key_of,
    retry_delay,
    time_of,
)

pytestmark = pytest.mark.unit


def test_id_of_rfc_9562_example() -> None:
    """RFC 9562, appendix A.6: 2022-02-22T19:22:22Z, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F."""
    randomness = (0xCC3 << 62 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    made = new_capture_id(datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC), randomness)
    assert made == uuid.UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


def test_id_tells_its_time_and_sorts_by_it() -> None:
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=step) for step in (0, 1, 999, 86_400_000)]
    ids = [new_capture_id(time, b"\xff" * 10) for time in times]
    assert [time_of(made) for made in ids] == times
    assert ids == sorted(ids)
    assert all(made.version == 7 for made in ids)


def test_object_key_holds_the_id_only() -> None:
    made = uuid.UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    assert object_key_of(made) == "captures/8f/017f22e2-79b0-7cc3-98c4-dc0c0c07398f.jpg"


def test_etag_changes_with_version_and_capture() -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    assert len({etag_of(first, 1), etag_of(first, 2), etag_of(second, 1)}) == 3


@pytest.mark.parametrize(
    ("image", "arguments", "same"),
    [
        pytest.param(b"a", {"x": 1, "y": 2}, True, id="order-of-arguments"),
        pytest.param(b"b", {"y": 2, "x": 1}, False, id="other-image"),
        pytest.param(b"a", {"y": 2, "x": 2}, False, id="other-argument"),
        pytest.param(b"a", {"y": 2}, False, id="missing-argument"),
    ],
)
def test_digest_tells_requests_apart(image: bytes, arguments: dict[str, object], same: bool) -> None:
    assert (digest_of(b"a", {"y": 2, "x": 1}) == digest_of(image, arguments)) is same


@pytest.mark.parametrize(("attempt", "wait_s"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (1000, 30)])
def test_retry_waits_double_up_to_the_longest(attempt: int, wait_s: float) -> None:
    middle = retry_delay(attempt, first_s=1, longest_s=30, jitter=0.5)
    assert middle == timedelta(seconds=wait_s)
    assert retry_delay(attempt, first_s=1, longest_s=30, jitter=0) == 0.8 * middle
    assert retry_delay(attempt, first_s=1, longest_s=30, jitter=1) == 1.2 * middle


def test_final_states_and_progress() -> None:
    assert [state for state in State if state.final] == [State.SUCCEEDED, State.FAILED, State.CANCELLED]
    steps = [Stage.QUEUED, Stage.ANALYZE, Stage.MATCH, Stage.TASTE, Stage.DONE]
    assert [stage.progress_percent for stage in steps] == sorted(stage.progress_percent for stage in steps)
