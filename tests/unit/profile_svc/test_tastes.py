"""Tastes from a log: a wardrobe for work and one for the weekend come apart, with names, radars and drift."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from profile_svc.taste.axes import AXES
from profile_svc.taste.clusters import FEWEST_POINTS
from profile_svc.taste.evidence import SeenColor, SeenEmbedding, SeenGarment, Sighting, StyleScores
from profile_svc.taste.log import LogEntry, steps
from profile_svc.taste.outfits import Outfit, outfit_of
from profile_svc.taste.tastes import MOST_OUTFITS, Taste, group_outfits, tastes_in

pytestmark = pytest.mark.unit

DAY_S = 86400.0
NAVY = SeenColor("navy", "", (17, 3, -17), 1.0)
PINK = SeenColor("hot pink", "", (57, 75, 0), 1.0)
BLACK = SeenColor("black", "", (10, 0, 0), 1.0)
FORMAL, STRUCTURED = 4, 1

Piece = tuple[str, str, SeenColor, float, float, float, int]
# What is worn: bucket, category, colour, formality, structure, minimalism, and the direction of its vector.
WORK: list[Piece] = [("outerwear", "blazer", NAVY, 78, 86, 82, 0), ("shoes", "shoes", BLACK, 56, 56, 85, 1)]
WEEKEND: list[Piece] = [("top", "hoodie", PINK, 5, 20, 40, 2), ("bottom", "shorts", PINK, 10, 38, 50, 3)]


def entry_of(number: int, look: Sequence[Piece], day: float) -> LogEntry:
    rng = np.random.default_rng(number)
    garments = []
    for place, (bucket, category, color, *style, direction) in enumerate(look):
        vector = np.eye(8)[direction] + 0.1 * rng.normal(size=8)
        scores = StyleScores(*(float(np.clip(value + rng.normal() * 6, 0, 100)) for value in style))
        embedding = SeenEmbedding("m/1", (vector / np.linalg.norm(vector)).astype(np.float32))
        garments.append(SeenGarment(f"g{place}", bucket, category, 0.9, (color,), style=scores, embedding=embedding))
    return LogEntry(number + 1, f"e{number}", Sighting(tuple(garments)), observe_s=day * DAY_S)


def outfits_of(entries: list[LogEntry]) -> list[Outfit]:
    found = [outfit_of(entry, moves, "m/1") for entry, _, moves in steps(entries)]
    return [outfit for outfit in found if outfit is not None]


def weeks(count: int) -> list[LogEntry]:
    """Work from Monday to Friday, then two days off."""
    return [entry_of(day, WEEKEND if day % 7 >= 5 else WORK, day) for day in range(7 * count)]


def tastes_of(outfits: list[Outfit], now_s: float) -> list[Taste]:
    return tastes_in(group_outfits(outfits), now_s)


def ids(taste: Taste) -> set[int]:
    return {outfit.sequence - 1 for outfit in taste.outfits}


def test_work_and_weekend_come_apart() -> None:
    work, weekend = tastes_of(outfits_of(weeks(6)), 42 * DAY_S)
    assert ids(work) == {day for day in range(42) if day % 7 < 5}
    assert ids(weekend) == {day for day in range(42) if day % 7 >= 5}
    assert [work.weight, weekend.weight] == pytest.approx([5 / 7, 2 / 7])
    assert work.axes[FORMAL] > 80 > 20 > weekend.axes[FORMAL]
    assert work.axes[STRUCTURED] < 25 < 75 < weekend.axes[STRUCTURED]
    assert set(work.label.split(", ")) == {"navy", "structured", "formal"}
    assert set(weekend.label.split(", ")) == {"hot pink", "relaxed", "casual"}
    assert work.vector is not None
    assert np.argsort(work.vector)[-2:].tolist() in ([0, 1], [1, 0])
    assert len(work.examples) == 10
    assert work.newest.event_id == "e39"


def test_names_last_while_a_wardrobe_grows() -> None:
    early, late = (tastes_of(outfits_of(weeks(count)), 60 * DAY_S) for count in (4, 8))
    assert [taste.taste_id for taste in early] == [taste.taste_id for taste in late]
    again = tastes_of(outfits_of(weeks(8)), 60 * DAY_S)
    assert [(taste.taste_id, taste.label, taste.axes) for taste in again] == [
        (taste.taste_id, taste.label, taste.axes) for taste in late
    ]


def test_one_way_of_dressing_is_one_taste() -> None:
    (taste,) = tastes_of(outfits_of([entry_of(day, WORK, day) for day in range(30)]), 30 * DAY_S)
    assert (taste.weight, len(taste.outfits)) == (1.0, 30)


def test_too_few_outfits_are_no_taste() -> None:
    entries = [entry_of(day, WORK, day) for day in range(FEWEST_POINTS)]
    assert tastes_of(outfits_of(entries[:-1]), 30 * DAY_S) == []
    assert len(tastes_of(outfits_of(entries), 30 * DAY_S)) == 1


def test_pictures_of_one_wearing_are_one_outfit() -> None:
    frames = [entry_of(number, WORK, 3 + number / 1000) for number in range(20)]
    assert [outfit.event_id for outfit in outfits_of(frames)] == ["e0"]
    without = [*frames, LogEntry(21, "undo", undoes="e0")]
    assert [outfit.event_id for outfit in outfits_of(without)] == ["e1"]


@pytest.mark.parametrize(("bucket", "count"), [("accessories", 1), ("outerwear", 2)], ids=["a hat", "a coat"])
def test_outfit_with_something_new_is_another_when_half_of_it_is(bucket: str, count: int) -> None:
    before, again = entry_of(0, WORK, 3), entry_of(1, WORK[:1], 3.01)
    extra = SeenGarment("new", bucket, "thing", 0.9, (PINK,), style=StyleScores(50, 50, 50))
    assert again.sighting is not None
    with_more = LogEntry(2, "e1", Sighting((*again.sighting.garments, extra)), observe_s=again.observe_s)
    assert len(outfits_of([before, with_more])) == count


def test_only_the_last_outfits_count() -> None:
    days = MOST_OUTFITS + 40
    entries = [entry_of(day, WEEKEND if day < 40 else WORK, day) for day in range(days)]
    (taste,) = tastes_of(outfits_of(entries), days * DAY_S)
    assert ids(taste) == set(range(40, days))


def test_new_wardrobe_is_a_taste_of_its_own_and_the_old_one_stands_still() -> None:
    """Forty days of blazers at formality 40, then thirty at 68 (the axis's 50 and 100), with other vectors."""
    plain = [("outerwear", "blazer", NAVY, 40, 60, 60, 0)]
    fine = [("outerwear", "blazer", NAVY, 68, 60, 60, 1)]
    entries = [entry_of(day, plain if day < 40 else fine, day) for day in range(70)]
    old, young = tastes_of(outfits_of(entries), 69 * DAY_S)
    assert ids(old) == set(range(40))
    assert old.drift is not None
    assert old.drift.cosine_distance == pytest.approx(0, abs=0.01)
    assert young.drift is None


@pytest.mark.parametrize(
    ("now_day", "expected"),
    [pytest.param(29.0, None, id="younger than 30 days"), pytest.param(200.0, 0.0, id="nothing new for long")],
)
def test_drift_of_what_stands_still(now_day: float, expected: float | None) -> None:
    (taste,) = tastes_of(outfits_of([entry_of(day, WORK, day) for day in range(20)]), now_day * DAY_S)
    if expected is None:
        assert taste.drift is None
    else:
        assert taste.drift is not None
        assert taste.drift.cosine_distance == pytest.approx(expected, abs=1e-9)
        assert taste.drift.axes == pytest.approx([0.0] * 5, abs=1e-9)


def test_drift_follows_a_slow_change() -> None:
    """Formality rises evenly from 40 to 68 in 90 days: one taste, which became more formal in the last month."""
    entries = [entry_of(day, [("outerwear", "blazer", NAVY, 40 + 28 * day / 90, 60, 60, 0)], day) for day in range(90)]
    (taste,) = tastes_of(outfits_of(entries), 90 * DAY_S)
    assert taste.drift is not None
    moves = dict(zip((axis.name for axis in AXES), taste.drift.axes, strict=True))
    # The centre follows with a delay that both moments share, save that the log had less behind it then.
    assert 6 < moves["casual_formal"] < 16.7
    assert abs(moves["structured_relaxed"]) < 4


def test_labels_differ() -> None:
    looks = list(itertools.chain.from_iterable([WORK, WEEKEND] for _ in range(20)))
    found = tastes_of(outfits_of([entry_of(day, look, day) for day, look in enumerate(looks)]), 41 * DAY_S)
    assert len({taste.label for taste in found}) == len(found) == 2
