"""Outlines: smooth curves through few points. Coordinates are pixels of a 320 x 400 picture, x right, y down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]
# (x, y) lies on a smooth curve; (x, y, 1) is a corner.
Node = tuple[float, float] | tuple[float, float, int]
Path = Sequence[Node]

CENTER_X = 160.0
_SAMPLES = 8


def closed(path: Path) -> Points:
    """Samples a closed outline.

    Args:
        path: Its nodes in order.

    Returns:
        float32, shape (n, 2).
    """
    nodes = list(path)
    corners = [index for index, node in enumerate(nodes) if len(node) == 3]
    if not corners:
        points = np.array([node[:2] for node in nodes], dtype=np.float32)
        return _catmull_rom(np.vstack([points[-1:], points, points[:2]]))
    nodes = nodes[corners[0] :] + nodes[: corners[0]]
    return open_curve([*nodes, nodes[0]])


def open_curve(path: Path) -> Points:
    """Samples an open curve from its first node to its last; shape (n, 2)."""
    runs: list[Points] = []
    run = [path[0][:2]]
    for index, node in enumerate(path[1:], start=1):
        run.append(node[:2])
        if len(node) == 3 or index == len(path) - 1:
            runs.append(_run(np.array(run, dtype=np.float32)))
            run = [node[:2]]
    return np.vstack(runs).astype(np.float32)


def mirrored(half: Path) -> list[Node]:
    """Completes a right half, given from its top to its bottom relative to the axis x = 0, to a whole closed path."""
    left = [(-node[0], *node[1:]) for node in reversed(half) if node[0] > 0]
    return [*half, *left]


def placed(path: Path, *, dx: float = CENTER_X, dy: float = 0.0, sx: float = 1.0, sy: float = 1.0) -> list[Node]:
    """Scales a path about the origin and moves it."""
    return [(node[0] * sx + dx, node[1] * sy + dy, *node[2:]) for node in path]


def flipped(path: Path, *, axis: float = CENTER_X) -> list[Node]:
    """Mirrors a path at a vertical line."""
    return [(2 * axis - node[0], *node[1:]) for node in path]


def between(first: Points, second: Points, share: float) -> Points:
    """Returns the curve that lies between two curves; both are sampled anew to the same number of points."""
    count = max(len(first), len(second))
    return (1 - share) * resampled(first, count) + share * resampled(second, count)


def resampled(points: Points, count: int) -> Points:
    """Returns `count` points at equal steps along a polyline."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, points[:, i]) for i in range(2)], axis=1).astype(np.float32)


def length(points: Points) -> float:
    """Returns the length of a polyline in pixels."""
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _run(points: Points) -> Points:
    if len(points) == 2:
        return points
    first, last = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    return _catmull_rom(np.vstack([first, points, last]))


def _catmull_rom(points: Points) -> Points:
    """The uniform Catmull-Rom spline through all points but the first and last."""
    t = np.linspace(0, 1, _SAMPLES, endpoint=False, dtype=np.float32)[:, None]
    pieces = []
    for p0, p1, p2, p3 in zip(points, points[1:], points[2:], points[3:], strict=False):
        cubic = (-p0 + 3 * p1 - 3 * p2 + p3) * t**3
        pieces.append(0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + cubic))
    return np.vstack([*pieces, points[-2:-1]]).astype(np.float32)
