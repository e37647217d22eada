"""What comparing a replay with its recording says: what differs, and why that was to be expected."""

from __future__ import annotations

import pytest
from vitrine.cli.replay_words import comparison_lines, comparison_plain
from vitrine.cli.replaying import _Replay
from vitrine.sdk.fault_kinds import Stall
from vitrine.sdk.faults import inject
from vitrine.sdk.plans import Plan, Span
from vitrine.sdk.recording_compare import compare
from vitrine.sdk.recording_file import RecordingError
from vitrine.sdk.recording_pictures import DrawnPictures
from vitrine.sdk.recording_session import RecordedSession

from tests.unit.client.recorded import session

pytestmark = [pytest.mark.unit, pytest.mark.timeout(30)]

THEN = session({1: "processed first", 11: "processed scene_change", 20: "skipped_interval"}, count=30)


def test_a_replay_that_goes_the_same_is_as_expected() -> None:
    found = compare(THEN, THEN, THEN.plan(), same_pictures=True)
    assert (found.compared, found.changes, found.keyframes, found.matched, found.as_expected) == (30, (), 2, 2, True)


@pytest.mark.parametrize(
    ("now", "as_expected", "words"),
    [
        pytest.param({1: "processed first", 11: "superseded scene_change"}, True, "how busy", id="superseded by load"),
        pytest.param(
            {1: "processed first", 14: "processed scene_change"}, True, "earlier or later", id="a little later"
        ),
        pytest.param(
            {1: "processed first", 25: "processed scene_change"}, False, "missing: 11 (unexplained)", id="much later"
        ),
        pytest.param({1: "processed first"}, False, "missing: 11 (unexplained)", id="missing"),
        pytest.param(
            {1: "processed first", 11: "processed scene_change", 28: "processed scene_change"},
            False,
            "new: 28 (unexplained)",
            id="one more",
        ),
        pytest.param(
            {1: "processed first", 11: "processed scene_change", 5: "rejected"},
            False,
            "1 frame same scene then, rejected now: unexplained (5)",
            id="rejected",
        ),
    ],
)
def test_what_differs_is_told_with_its_reason(now: dict[int, str], as_expected: bool, words: str) -> None:
    then = session({1: "processed first", 11: "processed scene_change"}, count=30)
    found = compare(then, session(now, count=30), then.plan(), same_pictures=True)
    assert found.as_expected == as_expected
    assert words in "\n".join(comparison_lines(found, ""))


def test_what_faults_do_is_explained_and_what_stood_before_them_is_not() -> None:
    plan = THEN.plan()
    lossy = Plan(tuple(it for it in plan.frames if it.number != 11), 30, unsent=(plan.frames[10],))
    now = session({1: "processed first", 11: "lost", 12: "processed scene_change", 20: "skipped_interval"}, count=30)
    now.totals |= {"received_count": 29, "lost_count": 1}
    found = compare(THEN, now, lossy, same_pictures=True)
    assert found.as_expected, comparison_lines(found, "")
    reasons = {change.numbers: change.why for change in found.changes}
    assert reasons == {(11,): "never sent by the replay", (12,): "follows from a fault before it"}
    now.frames[5].outcome = "rejected"
    assert not compare(THEN, now, lossy, same_pictures=True).as_expected


@pytest.mark.parametrize(("late_at", "as_expected"), [(9, True), (25, False)], ids=["before", "after"])
def test_keyframes_may_come_otherwise_after_frames_that_were_late_and_not_before(
    late_at: int, as_expected: bool
) -> None:
    then = session({1: "processed first", late_at: "late", 15: "processed scene_change"}, count=30)
    now = session({1: "processed first", 21: "processed scene_change"}, count=30)
    found = compare(then, now, then.plan(), same_pictures=True)
    assert (found.missing, found.extra, found.as_expected) == ((15,), (21,), as_expected)


def test_numbers_are_followed_through_a_camera_that_stalled() -> None:
    plan = inject(THEN.plan(), [Stall(at=Span(0.45), lasts=Span(0.3))])  # frames 6, 7 and 8 are not taken
    ends = {1: "processed first", 8: "processed scene_change", 17: "skipped_interval"}
    now = session(ends, count=27)
    now.totals |= {"received_count": 27}
    found = compare(THEN, now, plan, same_pictures=True)
    assert (found.matched, found.missing, found.extra) == (2, (), ())
    (change,) = found.changes
    assert (change.numbers, change.why) == ((6, 7, 8), "the camera of the replay did not take it")


def test_books_of_a_server_that_lost_something_are_not_as_expected() -> None:
    now = session({1: "processed first", 11: "processed scene_change", 20: "skipped_interval"}, count=30)
    now.totals |= {"received_count": 29, "lost_count": 1}
    found = compare(THEN, now, THEN.plan(), same_pictures=True)
    assert found.account == ("received: 30 expected, 29 on the server", "lost: 0 expected, 1 on the server")
    assert not found.as_expected


def test_hours_are_compared_before_the_time_of_a_test_is_up() -> None:
    """With the square of the length it would take minutes."""
    hours = session({1: "processed first", 500: "processed scene_change"}, count=40_000)
    assert compare(hours, hours, hours.plan(), same_pictures=True).as_expected


def test_garments_are_compared_where_the_pictures_are_the_same() -> None:
    def worn(*names: str) -> RecordedSession:
        made = session({1: "processed first"}, count=5)
        garments = [{"category": name, "colors": [["navy", "#000", 1.0]]} for name in names]
        made.results[1] = {"n": 1, "garments": garments}
        return made

    then = worn("coat", "shoes")
    same = compare(then, worn("shoes", "coat"), then.plan(), same_pictures=True)
    assert (same.garments_compared, same.garments_differ, same.as_expected) == (1, (), True)
    other = compare(then, worn("coat"), then.plan(), same_pictures=True)
    assert (other.garments_differ, other.as_expected) == ((1,), False)
    assert compare(then, worn("coat"), then.plan(), same_pictures=False).garments_compared == 0


def test_measures_of_the_same_pictures_are_held_against_each_other_and_decide_nothing() -> None:
    def measured(**areas: float) -> RecordedSession:
        made = session({1: "processed first"}, count=5)
        for number, area in areas.items():
            made.take({"t": "ack", "at": 9.0, "n": int(number[1:]), "outcome": "late", "changed_area": area})
        return made

    then, now = measured(n2=0.01, n3=0.02, n4=0.5), measured(n2=0.01, n3=0.0204)
    found = compare(then, now, then.plan(), same_pictures=True)
    assert "changed area of 2 frames: at most 0.0004 apart (frame 3)" in comparison_lines(found, "")
    assert comparison_plain(found, "")["measured"] == [
        {"name": "changed_area", "compared": 2, "most": 0.0004, "frame": 3}
    ]
    assert found.as_expected
    same = compare(then, then, then.plan(), same_pictures=True)
    assert "changed area of 3 frames: the same" in comparison_lines(same, "")
    assert compare(then, now, then.plan(), same_pictures=False).measured == ()
    before = session({1: "processed first"}, count=5)  # recorded before this was kept
    assert compare(before, now, before.plan(), same_pictures=True).measured == ()


def test_keyframe_rule_that_makes_no_sense_is_told() -> None:
    recorded = session({1: "processed first"}, count=3)
    recorded.keyframes = {"minIntervalS": "soon"}
    made = _Replay("walk", recorded, recorded.plan(), DrawnPictures.of(recorded), 1.0, ())
    with pytest.raises(RecordingError, match="keyframe rule that makes no sense"):
        made.settings()
    recorded.keyframes = {"minIntervalS": 2.0, "maxIntervalS": 8.0, "laterRule": 1}
    assert made.settings().keyframes.min_interval_s == 2.0
