from __future__ import annotations

import numpy as np
import pytest

from vision_svc.garments.silhouette import UNKNOWN_FIT, Silhouette, measure_silhouette
from vision_svc.garments.types import Bucket, ParsedGarment
from vision_svc.people.types import Joint, Person

pytestmark = pytest.mark.unit

H, W = 400, 300


def person(*, seen: float = 1.0) -> Person:
    joints = np.zeros((33, 3), np.float32)
    places = {
        Joint.LEFT_SHOULDER: (180, 80), Joint.RIGHT_SHOULDER: (120, 80), Joint.LEFT_HIP: (170, 180),
        Joint.RIGHT_HIP: (130, 180), Joint.LEFT_KNEE: (170, 270), Joint.RIGHT_KNEE: (130, 270),
    }  # fmt: skip
    for joint, (x, y) in places.items():
        joints[joint, :2] = x, y
    mask = np.ones((H, W), np.bool_)
    return Person(
        0.9, np.array([0, 0, W, H], np.float32), joints, np.full(33, seen, np.float32), mask, mask.astype(np.float32)
    )


def garment(bucket: Bucket, mask: np.ndarray) -> ParsedGarment:
    return ParsedGarment(bucket, "x", 0.9, (0, 0, W, H), mask, (), 0.3)


def torso(width: int, *, sleeves: bool = False) -> np.ndarray:
    mask = np.zeros((H, W), np.bool_)
    mask[80:190, 150 - width // 2 : 150 + width // 2] = True
    if sleeves:
        mask[80:190, 60:80] = mask[80:190, 220:240] = True
    return mask


def legs(width: int) -> np.ndarray:
    mask = np.zeros((H, W), np.bool_)
    for center in (130, 170):
        mask[180:390, center - width // 2 : center + width // 2] = True
    return mask


def skirt(width: int) -> np.ndarray:
    mask = np.zeros((H, W), np.bool_)
    mask[180:300, 150 - width // 2 : 150 + width // 2] = True
    return mask


@pytest.mark.parametrize(
    ("bucket", "mask", "expected"),
    [
        pytest.param(Bucket.TOP, torso(54), Silhouette.SLIM, id="tight top"),
        pytest.param(Bucket.TOP, torso(76), Silhouette.REGULAR, id="top with ease"),
        pytest.param(Bucket.TOP, torso(120), Silhouette.OVERSIZED, id="wide top"),
        pytest.param(Bucket.OUTERWEAR, torso(54, sleeves=True), Silhouette.SLIM, id="hanging arms do not count"),
        pytest.param(Bucket.DRESS, torso(100), Silhouette.OVERSIZED, id="wide dress"),
        pytest.param(Bucket.BOTTOM, legs(24), Silhouette.SLIM, id="tight trousers"),
        pytest.param(Bucket.BOTTOM, legs(38), Silhouette.REGULAR, id="straight trousers"),
        pytest.param(Bucket.BOTTOM, legs(44), Silhouette.REGULAR, id="straight trousers, legs touch"),
        pytest.param(Bucket.BOTTOM, skirt(60), Silhouette.SLIM, id="pencil skirt"),
        pytest.param(Bucket.BOTTOM, skirt(150), Silhouette.OVERSIZED, id="wide skirt"),
        pytest.param(Bucket.SHOES, torso(60), Silhouette.UNKNOWN, id="shoes have none"),
        pytest.param(Bucket.TOP, np.zeros((H, W), np.bool_), Silhouette.UNKNOWN, id="nothing at the place"),
    ],
)
def test_silhouette_follows_the_width(bucket: Bucket, mask: np.ndarray, expected: Silhouette) -> None:
    assert measure_silhouette(garment(bucket, mask), person()).silhouette is expected


def test_confidence_falls_with_hidden_joints_and_near_a_limit() -> None:
    clear = measure_silhouette(garment(Bucket.TOP, torso(120)), person()).confidence
    hidden = measure_silhouette(garment(Bucket.TOP, torso(120)), person(seen=0.3)).confidence
    near = measure_silhouette(garment(Bucket.TOP, torso(64)), person()).confidence
    assert clear > 0.9
    assert hidden < 0.4
    assert near < clear


def test_unknown_is_sure_of_nothing() -> None:
    assert (UNKNOWN_FIT.ratio, UNKNOWN_FIT.confidence) == (0, 0)
