"""Groups among points: as many as there are, and none where there are none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from profile_svc.taste.clusters import FEWEST_POINTS, groups, silhouette

pytestmark = pytest.mark.unit

# Four ways of dressing as places on the five axes, in hundreds of points.
CENTERS = np.array(
    [[0.25, 0.15, 0.10, 0.15, 0.90], [0.70, 0.85, 0.80, 0.75, 0.10], [0.85, 0.50, 0.90, 0.85, 0.60],
     [0.20, 0.70, 0.05, 0.10, 0.30]]
)  # fmt: skip


def rand_index(first: np.ndarray, second: np.ndarray) -> float:
    """Share of pairs on which two groupings agree (Rand 1971), 0-1."""
    pairs = np.triu_indices(len(first), 1)
    together = [(labels[:, None] == labels[None, :])[pairs] for labels in (first, second)]
    return float((together[0] == together[1]).mean())


def silhouette_by_definition(points: np.ndarray, labels: np.ndarray) -> float:
    """Point by point, as Rousseeuw (1987) writes it."""
    values = []
    for i, own in enumerate(labels):
        others = {
            group: [math.dist(points[i], points[j]) for j in range(len(points)) if labels[j] == group and j != i]
            for group in set(labels.tolist())
        }
        mates = others.pop(own)
        a, b = (float(np.mean(mates)) if mates else 0.0), min(float(np.mean(item)) for item in others.values())
        values.append((b - a) / max(a, b) if mates else 0.0)
    return float(np.mean(values))


def cloud(sizes: tuple[int, ...], seed: int, spread: float = 0.12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    points = np.clip(CENTERS[truth] + rng.normal(size=(len(truth), 5)) * spread, 0, 1)
    order = rng.permutation(len(truth))
    return points[order], truth[order]


@pytest.mark.parametrize("sizes", [(12, 8), (30, 10), (60, 60), (90, 15), (30, 20, 15), (40, 30, 30, 20)])
def test_groups_are_found(sizes: tuple[int, ...]) -> None:
    agreement = []
    for seed in range(6):
        points, truth = cloud(sizes, seed)
        agreement.append(rand_index(truth, groups(points, seed)))
    assert np.mean(agreement) >= 0.95, agreement
    assert np.median(agreement) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("count", [8, 15, 40, 120])
@pytest.mark.parametrize("shape", ["normal", "uniform", "long"])
def test_one_group_is_not_cut(count: int, shape: str) -> None:
    cut = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        points = rng.uniform(size=(count, 5)) if shape == "uniform" else 0.5 + 0.2 * rng.normal(size=(count, 5))
        if shape == "long":
            points[:, 0] *= 4
        cut += len(set(groups(points, seed).tolist())) > 1
    assert cut <= 1  # a test at the level of 1/20


@pytest.mark.parametrize("count", [0, 1, FEWEST_POINTS - 1])
def test_too_few_points_are_one_group(count: int) -> None:
    points = np.vstack([np.zeros((count, 2)), np.ones((count, 2))])[:count]
    assert groups(points, 1).tolist() == [0] * count


def test_points_that_are_all_the_same_are_one_group() -> None:
    assert set(groups(np.full((20, 5), 0.3), 1).tolist()) == {0}


def test_same_points_and_seed_give_the_same_groups() -> None:
    points, _ = cloud((20, 15, 10), 3)
    assert groups(points, 7).tolist() == groups(points.copy(), 7).tolist()


def test_silhouette_is_the_published_one() -> None:
    points, truth = cloud((20, 1, 10), 5)
    assert silhouette(points, truth) == pytest.approx(silhouette_by_definition(points, truth))
