"""Groups among points: how many there are, and which point is in which; one where nothing better than chance is found.

The points are cut into two, three or four by k-means. Any cloud can be cut, so a cut only stands when its mean
silhouette (Rousseeuw 1987) beats those of 19 clouds without groups: normal ones of the same covariance, cut alike (a
parametric bootstrap at the level of 1/20, as in SigClust, Liu et al. 2008). Of the cuts that stand, that which beats
the mean cloud by most is taken, and each of its parts is tried once more for a cut in two. All chance comes from a
seed: the same points give the same groups.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

MOST_GROUPS = 4
FEWEST_POINTS = 8  # below this no cut beats chance
FEWEST_MEMBERS = 3
_SMALLEST_SHARE = 0.08
_CLOUDS = 19
_LARGEST_CLOUD = 80  # a smaller cloud seems grouped more easily: the test is stricter and cheaper
_STARTS = 4
_ROUNDS = 30
_LEAST_SILHOUETTE = 0.3  # below, groups overlap so much that they tell a person nothing


def groups(points: Points, seed: int) -> Labels:
    """Finds groups.

    Args:
        points: float64, shape (n, d).
        seed: Decides all chance.

    Returns:
        The group of each point, shape (n,), 0 to 3; all 0 where there is one group.
    """
    rng = np.random.default_rng(seed)
    fewest = max(FEWEST_MEMBERS, _SMALLEST_SHARE * len(points))
    labels = _best_cut(points, range(2, MOST_GROUPS + 1), fewest, rng)
    whole = list(range(_number(labels)))  # groups that were not tried for themselves
    while whole and 1 < _number(labels) < MOST_GROUPS:
        group = max(whole, key=lambda one: _spread(points[labels == one]))
        whole.remove(group)
        part = _best_cut(points[labels == group], range(2, 3), fewest, rng)
        labels[np.flatnonzero(labels == group)[part == 1]] = _number(labels)
    return labels


def _best_cut(points: Points, numbers: range, fewest: float, rng: np.random.Generator) -> Labels:
    """Cuts points into one of several numbers of groups, or into one where no cut is better than chance."""
    best, most = np.zeros(len(points), dtype=np.int64), 0.0
    if len(points) < FEWEST_POINTS or _spread(points) == 0.0:
        return best
    clouds = _clouds(points, rng)
    for number in numbers:
        labels = _cut(points, number, rng)
        if np.bincount(labels, minlength=number).min() < fewest:
            continue
        found = silhouette(points, labels)
        by_chance = [silhouette(cloud, _cut(cloud, number, rng)) for cloud in clouds]
        gain = found - float(np.mean(by_chance))
        if found >= max(_LEAST_SILHOUETTE, *by_chance) and gain > most:
            best, most = labels, gain
    return best


def _number(labels: Labels) -> int:
    return int(labels.max(initial=0)) + 1


def _spread(points: Points) -> float:
    return float(((points - points.mean(axis=0)) ** 2).sum())


def silhouette(points: Points, labels: Labels) -> float:
    """Returns the mean silhouette, -1 to 1; a point alone in its group counts 0.

    Args:
        points: float64, shape (n, d).
        labels: The group of each point, shape (n,); at least two groups.
    """
    distances = _distances(points, points)
    member = labels[:, None] == np.unique(labels)[None, :]
    sizes = member.sum(axis=0)
    sums = distances @ member
    own = member.argmax(axis=1)
    rows = np.arange(len(points))
    inner = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    outer = means.min(axis=1)
    larger = np.maximum(np.maximum(inner, outer), 1e-12)
    return float(np.where(sizes[own] > 1, (outer - inner) / larger, 0.0).mean())


def _clouds(points: Points, rng: np.random.Generator) -> list[Points]:
    """Makes normal clouds of the same size, mean and covariance."""
    values, axes = np.linalg.eigh(np.cov(points, rowvar=False, bias=True).reshape(points.shape[1], -1))
    spread = axes * np.sqrt(np.maximum(values, 0.0))
    shape = (min(len(points), _LARGEST_CLOUD), points.shape[1])
    return [rng.normal(size=shape) @ spread.T for _ in range(_CLOUDS)]


def _cut(points: Points, number: int, rng: np.random.Generator) -> Labels:
    """Cuts points into groups: k-means from points far from each other, the best of several starts."""
    best, least = np.zeros(len(points), dtype=np.int64), np.inf
    for _ in range(_STARTS):
        chosen = [int(rng.integers(len(points)))]
        while len(chosen) < number:
            chosen.append(int(_distances(points, points[chosen]).min(axis=1).argmax()))
        labels, inertia = _settle(points, points[chosen])
        if inertia < least:
            best, least = labels, inertia
    return best


def _settle(points: Points, centers: Points) -> tuple[Labels, float]:
    labels = np.full(len(points), -1, dtype=np.int64)
    for _ in range(_ROUNDS):
        distances = _distances(points, centers)
        nearest = distances.argmin(axis=1)
        if (nearest == labels).all():
            break
        labels = nearest
        for group in np.unique(labels):
            centers[group] = points[labels == group].mean(axis=0)
    return labels, float((_distances(points, centers)[np.arange(len(points)), labels] ** 2).sum())


def _distances(first: Points, second: Points) -> Points:
    squared = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2.0 * first @ second.T
    distances: Points = np.sqrt(np.maximum(squared, 0.0))
    return distances
