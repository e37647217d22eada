"""Faults as pure changes of a plan: what each does, that chance repeats, and that the account adds up."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vitrine.sdk.faults import (
    FAULTS,
    Burst,
    Corrupt,
    Disconnect,
    Duplicate,
    Loss,
    Reorder,
    Slow,
    Stall,
    inject,
    read_fault,
)
from vitrine.sdk.plans import Cut, Damage, Plan, Span, damaged

from imaging.decode import DecodeLimits, decode_bgr
from imaging.errors import ImageError

pytestmark = pytest.mark.unit
TEN_FPS = Plan.steady(300, fps=10)


def numbers(plan: Plan) -> list[int]:
    return [frame.number for frame in plan.frames]


def test_no_fault_changes_nothing() -> None:
    assert inject(TEN_FPS, []) == TEN_FPS
    assert TEN_FPS.account().sent == TEN_FPS.account().numbered == 300
    assert inject(Plan.steady(0, fps=10), [fault() for fault in FAULTS.values()]).frames == ()


def test_stall_leaves_a_hole_in_time_and_none_in_the_numbers() -> None:
    plan = inject(TEN_FPS, [Stall(at=Span(3), lasts=Span(2))])
    assert numbers(plan) == list(range(1, 281))
    gaps = [later.captured_s - frame.captured_s for frame, later in itertools.pairwise(plan.frames)]
    assert max(gaps) == pytest.approx(2.1)
    assert gaps.index(max(gaps)) == 29
    assert plan.frames[30].picture == 50, "the camera has gone on looking"
    assert plan.account().never_sent == ()


def test_stalls_come_again_and_never_overlap() -> None:
    plan = inject(TEN_FPS, [Stall(at=Span(1.05), lasts=Span(2), every=Span(5))])
    holes = [
        later.captured_s for frame, later in itertools.pairwise(plan.frames) if later.captured_s > frame.captured_s + 1
    ]
    assert holes == pytest.approx([3.1, 8.1, 13.1, 18.1, 23.1, 28.1])
    always = inject(TEN_FPS, [Stall(at=Span(1.05), lasts=Span(2), every=Span(0.5))])
    assert always.end_s == pytest.approx(1.0)


def test_slow_leaves_a_frame_a_second() -> None:
    plan = inject(Plan.steady(240, fps=24), [Slow(at=Span(2), lasts=Span(5), fps=1)])
    inside = [frame.captured_s for frame in plan.frames if 2 <= frame.captured_s < 7]
    assert 4 <= len(inside) <= 6
    assert numbers(plan) == list(range(1, len(plan.frames) + 1))


@pytest.mark.parametrize("run", [1.0, 4.0], ids=["one by one", "in runs"])
def test_loss_leaves_gaps_of_the_asked_share_and_length(run: float) -> None:
    plan = inject(Plan.steady(20_000, fps=10), [Loss(share=0.2, run=run)], seed=3)
    lost = plan.account().never_sent
    assert len(lost) / 20_000 == pytest.approx(0.2, abs=0.02)
    runs = 1 + sum(later != number + 1 for number, later in itertools.pairwise(lost))
    assert len(lost) / runs == pytest.approx(run, rel=0.1)
    assert plan.numbered == 20_000


def test_frames_lost_at_the_very_end_cannot_be_known_to_a_server() -> None:
    plan = Plan.steady(10, fps=10)
    ended = Plan(plan.frames[:7], numbered=10)
    assert (ended.account().never_sent, ended.account().unseen) == ((8, 9, 10), 3)


def test_burst_holds_back_and_lets_through_at_once_in_order() -> None:
    plan = inject(TEN_FPS, [Burst(at=Span(5), lasts=Span(10))])
    at_once = [frame for frame in plan.frames if frame.sent_s == 15.0]
    assert len(at_once) == 101  # a hundred held back, and the one that is due then
    assert numbers(plan) == list(range(1, 301))
    assert max(frame.sent_s - frame.captured_s for frame in plan.frames) == pytest.approx(10.0)


def test_reordered_frames_are_sent_after_those_that_overtake_them() -> None:
    plan = inject(TEN_FPS, [Reorder(share=0.1, by=3)], seed=1)
    assert sorted(numbers(plan)) == list(range(1, 301))
    overtaken = plan.account().overtaken
    assert 15 <= len(overtaken) <= 50
    alone = [it for it in overtaken if not {it + 1, it + 2, it + 3} & set(overtaken)]
    for number in alone:
        before = numbers(plan)[: numbers(plan).index(number)]
        assert [it for it in before if it > number] == [number + 1, number + 2, number + 3]
    assert alone
    assert [it.sent_s for it in plan.frames] == sorted(it.sent_s for it in plan.frames)


def test_duplicates_follow_their_frame() -> None:
    plan = inject(TEN_FPS, [Duplicate(share=0.5, after=Span(0, 1))], seed=1)
    seen: set[int] = set()
    for frame in plan.frames:
        assert frame.copy == (frame.number in seen)
        seen.add(frame.number)
    assert plan.account().copies == sum(frame.copy for frame in plan.frames) > 100
    assert plan.account().overtaken == ()


def test_disconnects_are_cuts_and_leave_frames_as_they_are() -> None:
    plan = inject(TEN_FPS, [Disconnect(at=Span(4), lasts=Span(1), every=Span(10))])
    assert plan.cuts == (Cut(4, 1), Cut(14, 1), Cut(24, 1))
    assert plan.frames == TEN_FPS.frames


def test_speed_shortens_every_time() -> None:
    plan = inject(TEN_FPS, [Disconnect(at=Span(4), lasts=Span(1))]).faster(4)
    assert plan.end_s == pytest.approx(29.9 / 4)
    assert plan.cuts == (Cut(1, 0.25),)
    assert numbers(plan) == numbers(TEN_FPS)


@pytest.mark.parametrize("kind", list(FAULTS))
def test_chance_repeats_with_its_seed_and_whatever_else_happens(kind: str) -> None:
    fault = FAULTS[kind]()
    once, again, other = (inject(TEN_FPS, [fault], seed=it) for it in (5, 5, 6))
    assert once == again
    assert once != other or kind == "slow"  # whose window begins at 5 s and may end between the same two frames
    others = [it for it in (Loss(share=0.2), Disconnect()) if it.kind != kind]
    both = inject(TEN_FPS, [fault, *others], seed=5)
    assert both == inject(TEN_FPS, [*others, fault], seed=5)
    assert {it.at_s for it in inject(TEN_FPS, others, seed=5).cuts} <= {it.at_s for it in both.cuts}


@given(
    st.lists(st.sampled_from(sorted(FAULTS)), max_size=5),
    st.integers(0, 400),
    st.integers(0, 2**31),
)
def test_accounts_add_up_under_any_faults(kinds: list[str], count: int, seed: int) -> None:
    plan = inject(Plan.steady(count, fps=20), [FAULTS[kind]() for kind in kinds], seed)
    account = plan.account()
    assert account.sent - account.copies + len(account.never_sent) == account.numbered
    assert account.unseen <= len(account.never_sent)
    assert [it.sent_s for it in plan.frames] == sorted(it.sent_s for it in plan.frames)
    assert all(frame.sent_s >= frame.captured_s for frame in plan.frames)
    assert len({it.picture for it in plan.frames}) == account.sent - account.copies


@pytest.mark.parametrize(
    ("text", "fault"),
    {
        "stall": Stall(),
        "loss:share=0.25,run=3": Loss(share=0.25, run=3),
        "burst:at=3,lasts=5-15,every=30": Burst(at=Span(3), lasts=Span(5, 15), every=Span(30)),
        "reorder:by=4": Reorder(by=4),
        "corrupt:how=cut,share=1": Corrupt(share=1, how="cut"),
        "disconnect:lasts=0.5": Disconnect(lasts=Span(0.5)),
    }.items(),
    ids=str,
)
def test_faults_are_read_from_words(text: str, fault: object) -> None:
    assert read_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "": "no fault ''; there are stall",
        "rain": "no fault 'rain'",
        "loss:much=1": "has no parameter 'much'; it has share, run",
        "loss:share": "share of the fault loss cannot be ''",
        "loss:share=1": "expected 0 to 0.9",
        "loss:share=nan": "expected 0 to 0.9",
        "corrupt:share=1.1": "expected 0 to 1",
        "corrupt:how=badly": "expected one of garbage, cut, flip",
        "stall:lasts=4-1": "4-1 goes down",
        "stall:lasts=-1": "cannot be '-1'",
        "reorder:by=0": "expected 1 to 1000",
        "reorder:by=1.5": "by of the fault reorder cannot be '1.5'",
        "burst:every=inf": "expected 0 to 86400",
    }.items(),
    ids=str,
)
def test_words_that_are_no_fault_are_refused_with_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(ValueError, match="fault") as refused:
        read_fault(text)
    assert words in str(refused.value)


def test_damage_is_repeatable_and_garbage_is_never_a_picture() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (96, 128, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    plan = inject(Plan.steady(60, fps=10), [Corrupt(share=0.5)], seed=2)
    hit = [frame for frame in plan.frames if frame.damage]
    assert plan.account().damaged == tuple(frame.number for frame in hit)
    assert 15 < len(hit) < 45
    for frame in hit:
        broken = damaged(jpeg, frame.damage)
        assert len(broken) == len(jpeg)
        assert broken == damaged(jpeg, frame.damage)
        with pytest.raises(ImageError):
            decode_bgr(broken, limits=DecodeLimits())
    assert len({damaged(jpeg, frame.damage) for frame in hit}) == len(hit)
    assert damaged(jpeg, None) == jpeg
    assert jpeg.startswith(damaged(jpeg, Damage("cut", 0)))
    flipped = damaged(jpeg, Damage("flip", 9))
    assert 1 <= sum(a != b for a, b in zip(flipped, jpeg, strict=True)) <= 16
    assert flipped[: len(jpeg) // 3] == jpeg[: len(jpeg) // 3]
