"""The tastes of a user: groups of like outfits, each with a name in words, its place on the axes and its drift.

A taste's centre is the mean of its outfits, where one counts half after 30 days; its drift is how far that centre moved
in the last 30 days. Nothing here is kept: all of it follows from the log.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from profile_svc.taste.axes import AXES, NEUTRAL
from profile_svc.taste.clusters import FEWEST_POINTS, Labels, groups
from profile_svc.taste.outfits import FloatVector, Outfit, points_of

AnyVector = npt.NDArray[np.floating]

DRIFT_S = 30 * 86400.0
MOST_OUTFITS = 200
_EXAMPLES = 10
_TOLD_FROM = 12.0  # points from neutral at which an axis names a taste
_WORDS = 2
# How much an axis says in a name: the colour is named itself, and patterns are mostly in how rich a look is.
_SAYS = {
    "minimal_maximal": 0.8,
    "structured_relaxed": 1.0,
    "neutral_colorful": 0.5,
    "classic_experimental": 0.5,
    "casual_formal": 1.0,
}


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a centre moved in 30 days.

    Attributes:
        axes: Points on each axis, in the order of `AXES`.
        cosine_distance: Between the vectors, 0-2; None without them.
    """

    axes: tuple[float, ...]
    cosine_distance: float | None


@dataclass(frozen=True, slots=True)
class Taste:
    """One way of dressing.

    Attributes:
        taste_id: Lasts while its oldest outfit is in it.
        label: Colour and axes in words, for example ``navy, structured, formal``; differs from those of the others.
        weight: Its share of all outfits, 0-1.
        axes: Where it stands, in the order of `AXES`, 0-100.
        vector: Its centre, unit length; None without vectors.
        outfits: Its outfits, most typical first.
        drift: None when it is younger than 30 days.
    """

    taste_id: str
    label: str
    weight: float
    axes: tuple[float, ...]
    vector: FloatVector | None
    outfits: tuple[Outfit, ...]
    drift: Drift | None

    @property
    def newest(self) -> Outfit:
        """The outfit that joined last."""
        return max(self.outfits, key=lambda outfit: outfit.sequence)

    @property
    def examples(self) -> tuple[str, ...]:
        """The sightings that show it best."""
        return tuple(outfit.event_id for outfit in self.outfits[:_EXAMPLES])


@dataclass(frozen=True, slots=True)
class Grouping:
    """Outfits in groups: what takes long to find, and stays while no outfit comes or goes.

    Attributes:
        outfits: The outfits that count, in the order of the log.
        points: Where they lie, shape (n, d).
        labels: The group of each, shape (n,), 0 to 3; empty of fewer than eight outfits.
    """

    outfits: tuple[Outfit, ...]
    points: FloatVector
    labels: Labels


def group_outfits(outfits: Sequence[Outfit]) -> Grouping:
    """Finds the groups in outfits; the same outfits give the same groups.

    Args:
        outfits: In the order of the log; the last 200 count.
    """
    recent = tuple(outfits)[-MOST_OUTFITS:]
    if len(recent) < FEWEST_POINTS:
        return Grouping(recent, np.zeros((0, 0)), np.zeros(0, dtype=np.int64))
    points = points_of(recent)
    names = "\n".join(outfit.event_id for outfit in recent)
    return Grouping(recent, points, groups(points, int.from_bytes(hashlib.sha256(names.encode()).digest()[:8], "big")))


def tastes_in(grouping: Grouping, now_s: float) -> list[Taste]:
    """Returns the tastes that groups of outfits are at some time.

    Args:
        grouping: From `group_outfits`.
        now_s: The time, in seconds since 1970, UTC.

    Returns:
        One to four, by falling weight; none of fewer than eight outfits.
    """
    outfits, points, labels = grouping.outfits, grouping.points, grouping.labels
    found = [
        _taste([outfits[i] for i in np.flatnonzero(labels == group)], points[labels == group], len(outfits), now_s)
        for group in range(int(labels.max(initial=-1)) + 1)
    ]
    return _named(sorted(found, key=lambda taste: (-taste.weight, taste.taste_id)))


def drift_between(
    before: tuple[float, ...], after: tuple[float, ...], old: AnyVector | None, new: AnyVector | None
) -> Drift:
    """Returns how far a centre moved; vectors of unit length."""
    distance = None
    if old is not None and new is not None and old.size == new.size:
        distance = max(0.0, 1.0 - float(old.astype(np.float64) @ new.astype(np.float64)))
    return Drift(tuple(b - a for a, b in zip(before, after, strict=True)), distance)


def _taste(members: list[Outfit], points: FloatVector, total: int, now_s: float) -> Taste:
    middle = np.linalg.norm(points - points.mean(axis=0), axis=1)
    axes, vector = _center(members, now_s)
    earlier = [outfit for outfit in members if outfit.observe_s <= now_s - DRIFT_S]
    drift = None
    if earlier:
        old_axes, old_vector = _center(earlier, now_s - DRIFT_S)
        drift = drift_between(old_axes, axes, old_vector, vector)
    oldest = min(members, key=lambda outfit: outfit.sequence)
    return Taste(
        taste_id="t-" + hashlib.sha256(oldest.event_id.encode()).hexdigest()[:16],
        label="",
        weight=len(members) / total,
        axes=axes,
        vector=vector,
        outfits=tuple(members[i] for i in np.argsort(middle, kind="stable")),
        drift=drift,
    )


def _center(members: Sequence[Outfit], at_s: float) -> tuple[tuple[float, ...], FloatVector | None]:
    ages = np.array([max(0.0, at_s - outfit.observe_s) for outfit in members])
    weights = 0.5 ** ((ages - ages.min()) / DRIFT_S)  # from the youngest, so that old ones do not vanish together
    values = np.stack([outfit.axes for outfit in members])
    known = ~np.isnan(values)
    said = (weights[:, None] * known).sum(axis=0)
    sums = (weights[:, None] * np.where(known, values, 0.0)).sum(axis=0)
    axes = np.where(said > 0, sums / np.where(said > 0, said, 1.0), NEUTRAL)
    vectors = [weight * o.vector for weight, o in zip(weights, members, strict=True) if o.vector is not None]
    total = np.sum(vectors, axis=0) if vectors else None
    length = 0.0 if total is None else float(np.linalg.norm(total))
    return tuple(float(value) for value in axes), None if total is None or length < 1e-6 else total / length


def _named(tastes: list[Taste]) -> list[Taste]:
    """Gives each taste a label that no other has."""
    used: Counter[str] = Counter()
    named = []
    for taste in tastes:
        label = _label(taste, [other for other in tastes if other is not taste])
        used[label] += 1
        named.append(replace(taste, label=label if used[label] == 1 else f"{label} {used[label]}"))
    return named


def _label(taste: Taste, others: list[Taste]) -> str:
    """The main colour, then the axes that set this taste apart from neutral and from the others."""
    mean_of_others = np.mean([other.axes for other in others], axis=0) if others else np.full(len(AXES), NEUTRAL)
    apart = np.abs(np.array(taste.axes) - NEUTRAL) + np.abs(np.array(taste.axes) - mean_of_others)
    apart *= [_SAYS[axis.name] for axis in AXES]
    told = [int(i) for i in np.argsort(-apart, kind="stable") if abs(taste.axes[i] - NEUTRAL) >= _TOLD_FROM]
    words = [AXES[i].high if taste.axes[i] > NEUTRAL else AXES[i].low for i in told[:_WORDS]]
    colors: Counter[str] = sum((outfit.words for outfit in taste.outfits), Counter())
    main = max(sorted(colors), key=lambda name: colors[name], default="")
    return ", ".join([main, *words] if main else words) or "mixed"
