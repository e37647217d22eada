"""Boxes that detectors give: anchors, decoding, overlap, suppression. Boxes are `(x0, y0, x1, y1)`."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_LOGIT_LIMIT = 100.0


def anchor_centers(input_px: int, strides: Sequence[int], per_cell: int) -> FloatArray:
    """Makes the anchors of MediaPipe's single-shot detectors: fixed size, in the middle of every cell.

    Args:
        input_px: Side of the model's square input.
        strides: Stride of each layer, in order.
        per_cell: Anchors in each cell of each layer.

    Returns:
        float32 `(N, 2)`: centres xy as shares of the input, in the order of the model's rows.
    """
    layers = []
    for stride in strides:
        cells = -(-input_px // stride)
        middle = (np.arange(cells, dtype=np.float32) + np.float32(0.5)) / np.float32(cells)
        grid = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, per_cell, axis=0))
    return np.concatenate(layers)


def decode_ssd(raw: FloatArray, anchors: FloatArray, input_px: int) -> tuple[FloatArray, FloatArray]:
    """Decodes the rows of MediaPipe's single-shot detectors.

    Args:
        raw: float32 `(N, 4 + 2 * K)`: centre offset xy, width, height, K keypoint offsets xy, all in input pixels.
        anchors: float32 `(N, 2)` from `anchor_centers`, of the same rows.
        input_px: Side of the model's input.

    Returns:
        Boxes float32 `(N, 4)` and keypoints float32 `(N, K, 2)`, in input pixels.
    """
    origin = anchors * np.float32(input_px)
    center, half = raw[:, :2] + origin, raw[:, 2:4] / 2
    boxes = np.concatenate([center - half, center + half], axis=1)
    keypoints = raw[:, 4:].reshape(len(raw), raw.shape[1] // 2 - 2, 2) + origin[:, np.newaxis]
    return boxes, keypoints


def sigmoid(logits: FloatArray) -> FloatArray:
    """Turns logits into probabilities, 0-1; clipped so that no float32 overflows."""
    clipped = np.clip(logits, -_LOGIT_LIMIT, _LOGIT_LIMIT).astype(np.float64)
    return (1.0 / (1.0 + np.exp(-clipped))).astype(np.float32)


def iou(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """Returns the intersection over union, float32 `(N,)`, of one box `(4,)` with others `(N, 4)`."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    total = area(box[np.newaxis]) + area(boxes) - shared
    ratio: FloatArray = (shared / np.maximum(total, 1e-9)).astype(np.float32)
    return ratio


def area(boxes: FloatArray) -> FloatArray:
    """Returns the areas, float32 `(N,)`, of boxes `(N, 4)`; 0 for inverted ones."""
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    product: FloatArray = sides[:, 0] * sides[:, 1]
    return product


def weighted_nms(rows: FloatArray, scores: FloatArray, threshold: float) -> tuple[FloatArray, FloatArray]:
    """Merges overlapping detections into their mean, weighted by score, as MediaPipe's detectors expect.

    Args:
        rows: float32 `(N, M)`, M >= 4: a box, then any further coordinates that are averaged with it.
        scores: float32 `(N,)`, 0-1.
        threshold: Intersection over union from which two are the same thing, 0-1.

    Returns:
        The merged rows `(K, M)` and the best score of each `(K,)`, best first.
    """
    merged, best = [], []
    left = np.argsort(-scores, kind="stable")
    while left.size:
        same = iou(rows[left[0], :4], rows[left, :4]) >= threshold
        same[0] = True
        group = left[same]
        weights = scores[group] / max(float(scores[group].sum()), 1e-9)
        merged.append(weights @ rows[group])
        best.append(scores[left[0]])
        left = left[~same]
    if not merged:
        return rows[:0], scores[:0]
    return np.stack(merged).astype(np.float32), np.array(best, np.float32)
