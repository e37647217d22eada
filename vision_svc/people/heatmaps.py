"""Sharpening joints with the heat maps of the pose model (MediaPipe 0.10.21, RefineLandmarksFromHeatmap)."""

import numpy as np

from vision_svc.people.types import FloatArray

_HEATMAP_REACH = 3  # a window of 7 x 7 cells around the first guess
_HEATMAP_FLOOR = 0.5  # below this peak a heat map says nothing


def refine(shares: FloatArray, heatmaps: FloatArray) -> FloatArray:
    """Moves each joint to the middle of mass of its heat map around it, where the map is sure.

    Args:
        shares: float32 `(J, 2)`: xy as shares of the region.
        heatmaps: float32 `(h, w, J)`, 0-1.

    Returns:
        float32 `(J, 2)`.
    """
    rows, columns, _ = heatmaps.shape
    refined = shares.astype(np.float32).copy()
    for joint, (x, y) in enumerate(shares):
        column, row = int(x * columns), int(y * rows)
        if not (0 <= column < columns and 0 <= row < rows):
            continue
        left, top = max(0, column - _HEATMAP_REACH), max(0, row - _HEATMAP_REACH)
        window = heatmaps[top : row + _HEATMAP_REACH + 1, left : column + _HEATMAP_REACH + 1, joint]
        if window.max() < _HEATMAP_FLOOR:
            continue
        total = float(window.sum())
        mean_column = float((window.sum(axis=0) * np.arange(left, left + window.shape[1])).sum()) / total
        mean_row = float((window.sum(axis=1) * np.arange(top, top + window.shape[0])).sum()) / total
        refined[joint] = mean_column / columns, mean_row / rows
    return refined
