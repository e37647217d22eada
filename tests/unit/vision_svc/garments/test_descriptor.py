"""The descriptors are written to be quick; here they are held against the same thing written plainly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from imaging.color import srgb_to_lab
from tests.unit.vision_svc.garments.drawn import garment, mask_of
from vision_svc.garments.descriptor import _anchors, color_block, gradient_block, letterboxed, texture_block
from vision_svc.garments.fashion_input import fashion_input
from vision_svc.garments.thumbnail import GarmentView, MaskedThumbnail, thumbnail

pytestmark = pytest.mark.unit


def noisy(seed: int) -> GarmentView:
    """A drawn garment with grain, so that nothing lies exactly on a limit."""
    picture = garment(seed)
    grain = np.random.default_rng(seed).normal(0, 6, picture.shape)
    return GarmentView(np.clip(picture + grain, 0, 255).astype(np.uint8), mask_of(seed, picture))


def holed(rows: int, columns: int) -> GarmentView:
    rng = np.random.default_rng(rows)
    return GarmentView(rng.integers(0, 255, (rows, columns, 3), np.uint8), rng.random((rows, columns)) < 0.8)


def blocks_of(values: np.ndarray, side: int) -> np.ndarray:
    """Cuts `(H, W, ...)` into `(H / side, W / side, side * side, ...)`."""
    height, width = values.shape[0] // side, values.shape[1] // side
    cut = values.reshape(height, side, width, side, *values.shape[2:]).swapaxes(1, 2)
    return np.asarray(cut.reshape(height, width, side * side, *values.shape[2:]))


@pytest.mark.parametrize("side", [2, 3], ids=["halved", "a third"])
def test_thumbnails_average_the_garments_own_pixels(side: int) -> None:
    view = holed(48 * side, 36 * side)
    thumb = thumbnail(view, 48)
    masks, colors = blocks_of(view.mask, side), blocks_of(view.image_bgr.astype(np.float64), side)
    own = (colors * masks[..., None]).sum(axis=2) / np.maximum(masks.sum(axis=2), 1)[..., None]
    assert np.array_equal(thumb.inside, masks.mean(axis=2) >= 0.75)
    assert np.abs(thumb.image_bgr[thumb.inside] - own[thumb.inside]).max() <= 0.501
    assert np.abs(thumb.image_bgr[~thumb.inside] - view.image_bgr[view.mask].mean(axis=0)).max() <= 0.501


def test_small_garments_keep_their_pixels() -> None:
    view = holed(40, 30)
    thumb = thumbnail(view, 48)
    assert np.array_equal(thumb.inside, view.mask)
    assert np.array_equal(thumb.image_bgr[view.mask], view.image_bgr[view.mask])
    assert np.abs(thumb.image_bgr[~view.mask] - view.image_bgr[view.mask].mean(axis=0)).max() <= 0.501


def test_an_empty_mask_is_the_whole_picture() -> None:
    view = holed(100, 70)
    nothing, all_of_it = (GarmentView(view.image_bgr, np.full((100, 70), value)) for value in (False, True))
    for side in (48, 100):
        first, second = thumbnail(nothing, side), thumbnail(all_of_it, side)
        assert first.inside.all()
        assert np.array_equal(first.image_bgr, second.image_bgr)


def test_lab_of_a_thumbnail_is_that_of_its_pixels() -> None:
    thumb = thumbnail(noisy(3))
    plain = srgb_to_lab(thumb.image_bgr[..., ::-1].astype(np.float64))
    assert thumb.lab == pytest.approx(plain[thumb.inside], abs=1e-9)
    assert thumb.lab_planes == pytest.approx(plain, abs=0.5)


def test_the_square_averages_the_garments_own_pixels() -> None:
    view = holed(180, 90)  # its longer side becomes 90 of the network's 96 pixels
    planes = fashion_input(view).planes
    masks, colors = blocks_of(view.mask, 2), blocks_of(view.image_bgr.astype(np.float64), 2)
    inside = masks.mean(axis=2) >= 0.5
    own = (colors * masks[..., None]).sum(axis=2) / np.maximum(masks.sum(axis=2), 1)[..., None]
    found = (planes[:3, 3:93, 25:70].transpose(1, 2, 0)[..., ::-1] + 1) * 127.5
    assert np.array_equal(planes[3, 3:93, 25:70] > 0, inside)
    # A level is lost twice to rounding, once before the division by as little as half of the mask.
    assert np.abs(found[inside] - own[inside]).max() <= 1.6
    assert not planes[:, :3].any()
    assert not planes[:3, 3:93, 25:70][:, ~inside].any()


@pytest.mark.parametrize("weighted", [False, True], ids=["evenly", "weighted"])
def test_colors_are_shared_among_anchors_by_distance(weighted: bool) -> None:
    rng = np.random.default_rng(2)
    lab = rng.uniform((0, -80, -80), (100, 80, 80), (300, 3))
    weight = rng.random(300) if weighted else None
    scale = np.array([0.6, 1, 1])
    distance = np.linalg.norm((lab[:, None] - _anchors()) * scale, axis=2)
    near = np.exp(-(distance**2) / (2 * 9.0**2))
    plain = np.sqrt(np.average(near / near.sum(axis=1, keepdims=True), axis=0, weights=weight))
    assert color_block(lab, weight) == pytest.approx(plain, abs=1e-5)


def directions(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    dx, dy = cv2.Sobel(plane, cv2.CV_64F, 1, 0), cv2.Sobel(plane, cv2.CV_64F, 0, 1)
    return np.hypot(dx, dy), np.minimum(np.arctan2(dy, dx) % np.pi * 8 / np.pi, 7.999).astype(int)


def normalised(plane: np.ndarray, inner: np.ndarray) -> np.ndarray:
    return np.asarray((plane - plane[inner].mean()) / (plane[inner].std() + 4))


def plain_texture(thumb: MaskedThumbnail) -> np.ndarray:
    lab = thumb.lab_planes.astype(np.float64)
    inner = cv2.erode(thumb.inside.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) > 0
    light = normalised(lab[..., 0], inner)
    energies, bands = [], []
    for sigma in (0.7, 1.5, 3.0):
        magnitude, direction = directions(cv2.GaussianBlur(light, (0, 0), sigma))
        energies += [np.sqrt((magnitude * (direction == one))[inner].mean()) for one in range(8)]
        both = [cv2.GaussianBlur(thumb.lab_planes, (0, 0), width) for width in (sigma, 2 * sigma)]
        bands.append((both[0] - both[1])[inner].std(axis=0))
    strengths = [band[0] for band in bands] + [np.hypot(band[1], band[2]) for band in bands]
    counts = np.zeros(10)
    padded = np.pad(light, 1, mode="edge")
    for y, x in np.argwhere(inner):
        window = padded[y : y + 3, x : x + 3] >= light[y, x] + 0.05
        ring = [*window[0], window[1, 2], *window[2, ::-1], window[1, 0]]
        changes = sum(one != other for one, other in zip(ring, ring[1:] + ring[:1], strict=True))
        counts[sum(ring) if changes <= 2 else 9] += 1
    return np.concatenate([energies, np.log1p(strengths), np.sqrt(counts / counts.sum())])


def plain_gradients(patch: np.ndarray, mask: np.ndarray) -> np.ndarray:
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    magnitude, direction = directions(normalised(patch.astype(np.float64), inner))
    found = np.zeros((4, 3, 8))
    for y, x in np.argwhere(inner):
        found[y * 4 // 64, x * 3 // 64, direction[y, x]] += np.sqrt(magnitude[y, x])
    return np.asarray(np.sqrt(found.ravel() / inner.sum()))


@pytest.mark.parametrize("seed", range(4))
def test_texture_is_what_it_says(seed: int) -> None:
    thumb = thumbnail(noisy(seed))
    # Single pixels whose neighbour is as light as the limit asks may fall to either side.
    assert texture_block(thumb) == pytest.approx(plain_texture(thumb), abs=2e-3)


@pytest.mark.parametrize("seed", range(4))
def test_gradients_are_what_they_say(seed: int) -> None:
    patch, mask = letterboxed(thumbnail(noisy(seed)))
    assert gradient_block(patch, mask) == pytest.approx(plain_gradients(patch, mask), abs=2e-3)


def test_descriptors_do_not_depend_on_where_numbers_lie_in_memory() -> None:
    thumb = thumbnail(noisy(1))
    patch, mask = letterboxed(thumb)
    found, room = set(), []
    for size in range(1, 60):
        room.append(np.empty(size * 37, np.uint8))  # so that the next arrays begin elsewhere
        found.add((gradient_block(patch, mask).tobytes(), texture_block(thumb).tobytes()))
    assert len(found) == 1
