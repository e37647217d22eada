"""Garments that nobody wears, drawn on grounds as busy as a room: what a pose model may take for people."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from retrieval_svc.catalog.demo.export import demo_products
from tests.support.carving import Image

_CLOTH_FROM = 14  # difference to the drawing's own ground, sum of three channels of 0-255


def lone_garments(count: int, seed: int) -> Iterator[Image]:
    """Draws garments on boards, a checked blanket and speckled carpet: uint8 `(400, 320, 3)`, BGR, each."""
    for number, product in enumerate(itertools.islice(demo_products(count, seed), count)):
        picture = product.rendering.image_bgr
        cloth = np.abs(picture.astype(int) - picture[2, 2].astype(int)).sum(axis=2) > _CLOTH_FROM
        alpha = cv2.GaussianBlur(cloth.astype(np.float32), (5, 5), 0)[..., None]
        ground = _GROUNDS[number % len(_GROUNDS)](np.random.default_rng(number), *picture.shape[:2])
        yield np.rint(picture * alpha + np.clip(ground, 0, 255) * (1 - alpha)).astype(np.uint8)


def _boards(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    ground = np.full((height, width, 3), (90.0, 130.0, 170.0))
    for left in range(0, width, 40):
        ground[:, left : left + 40] *= rng.uniform(0.75, 1.1)
    return ground + cv2.GaussianBlur(rng.normal(0, 40, (height, width)), (1, 31), 0)[..., None]


def _blanket(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    rows, columns = np.mgrid[:height, :width]
    dark = ((rows // 36 + columns // 36) % 2 == 1)[..., None]
    return np.where(dark, (180.0, 120.0, 70.0), (225.0, 215.0, 200.0)) + rng.normal(0, 8, (height, width, 3))


def _carpet(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    tufts = cv2.GaussianBlur(rng.normal(0, 90, (height, width)), (5, 5), 0)[..., None]
    return np.array([110.0, 120.0, 150.0]) + tufts


_GROUNDS = (_boards, _blanket, _carpet)
