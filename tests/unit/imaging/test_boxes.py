"""Anchors, overlap, suppression."""

import numpy as np
import pytest

from imaging.boxes import anchor_centers, decode_ssd, iou, sigmoid, weighted_nms

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("input_px", "strides", "per_cell", "count"),
    [  # the row counts of MediaPipe's four detectors
        pytest.param(128, (8, 16, 16, 16), 2, 896, id="face-short"),
        pytest.param(192, (4,), 1, 2304, id="face-full"),
        pytest.param(192, (8, 16, 16, 16), 2, 2016, id="palm"),
        pytest.param(224, (8, 16, 32, 32, 32), 2, 2254, id="pose"),
    ],
)
def test_anchor_count(input_px: int, strides: tuple[int, ...], per_cell: int, count: int) -> None:
    anchors = anchor_centers(input_px, strides, per_cell)
    assert anchors.shape == (count, 2)
    assert 0 < anchors.min() < anchors.max() < 1


def test_anchors_run_along_rows_first() -> None:
    anchors = anchor_centers(192, (4,), 1)
    np.testing.assert_allclose(anchors[:2], [[0.5 / 48, 0.5 / 48], [1.5 / 48, 0.5 / 48]], atol=1e-6)


def test_decode_ssd_places_box_and_keypoints() -> None:
    raw = np.array([[1.0, 2.0, 10.0, 20.0, 3.0, 4.0]], np.float32)
    boxes, keypoints = decode_ssd(raw, np.array([[0.5, 0.25]], np.float32), 100)
    np.testing.assert_allclose(boxes, [[46, 17, 56, 37]])
    np.testing.assert_allclose(keypoints, [[[53, 29]]])


def test_decode_ssd_without_rows_is_empty() -> None:
    boxes, keypoints = decode_ssd(np.zeros((0, 16), np.float32), np.zeros((0, 2), np.float32), 192)
    assert boxes.shape == (0, 4)
    assert keypoints.shape == (0, 6, 2)


def test_iou_by_hand() -> None:
    box = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], np.float32)
    np.testing.assert_allclose(iou(box, others), np.array([1.0, 1 / 3, 0.0]), atol=1e-6)


def test_weighted_nms_averages_by_score() -> None:
    rows = np.array([[0, 0, 10, 10, 1], [2, 0, 12, 10, 5], [50, 50, 60, 60, 9]], np.float32)
    merged, scores = weighted_nms(rows, np.array([0.9, 0.3, 0.5], np.float32), 0.3)
    np.testing.assert_allclose(
        merged.astype(float), [[0.5, 0.0, 10.5, 10.0, 2.0], [50.0, 50.0, 60.0, 60.0, 9.0]], atol=1e-5
    )
    np.testing.assert_allclose(scores, [0.9, 0.5])


def test_weighted_nms_of_nothing_is_nothing() -> None:
    merged, scores = weighted_nms(np.zeros((0, 16), np.float32), np.zeros(0, np.float32), 0.3)
    assert (merged.shape, scores.shape) == ((0, 16), (0,))


def test_sigmoid_does_not_overflow() -> None:
    np.testing.assert_allclose(sigmoid(np.array([-1e9, 0, 1e9], np.float32)), [0, 0.5, 1], atol=1e-6)
