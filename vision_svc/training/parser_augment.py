"""From cached photos to samples: moved, turned, recoloured, with bags and hats of other photos pasted in."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.garments.parse_input import HEIGHT_PX, WIDTH_PX, stack, unit_of
from vision_svc.garments.parse_labels import LABELS, PRESENCE
from vision_svc.people.types import Joint
from vision_svc.training.parser_cache import CACHE_PX, Photos
from vision_svc.training.parser_truth import Truth

Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

# What is pasted from other photos, and the joints that it hangs on.
_PASTED = {
    "bag": (Joint.LEFT_HIP, Joint.RIGHT_HIP),
    "headwear": (Joint.LEFT_EAR, Joint.RIGHT_EAR),
    "scarf": (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER),
    "belt": (Joint.LEFT_HIP, Joint.RIGHT_HIP),
    "eyewear": (Joint.LEFT_EYE, Joint.RIGHT_EYE),
}
_PASTE_CHANCE = {"bag": 0.25, "headwear": 0.15, "scarf": 0.08, "belt": 0.08, "eyewear": 0.05}
_RECOLORED = (
    "top",
    "outerwear",
    "trousers",
    "shorts",
    "skirt",
    "dress",
    "shoes",
    "bag",
    "headwear",
    "scarf",
    "legwear",
)
_RECOLOR_CHANCE = 0.35
_BLURRED_SHARE = 0.6
# How often only a part of the body is shown, as before a webcam.
_PART_SHARE = 0.28
# How much more often photos are drawn in which something rare is worn.
_DRAW_MORE = {"dress": 1.0, "headwear": 1.0, "skirt": 0.5, "shorts": 0.8, "scarf": 0.5, "bag": 0.3, "jumpsuit": 1.0}


@dataclass(frozen=True)
class Sample:
    """One training sample: planes `(CHANNELS, h, w)`, labels `(h / 2, w / 2)`, presence and its weight `(P,)`."""

    planes: Floats
    labels: npt.NDArray[np.uint8]
    presence: Floats
    known: Floats


def draw_weights(truth: Truth) -> npt.NDArray[np.float64]:
    """Returns how often each photo is drawn, float64 `(N,)`, sum 1."""
    weights = np.ones(len(truth.presence))
    for name, more in _DRAW_MORE.items():
        weights += more * truth.presence[:, PRESENCE.index(name)]
    shares: npt.NDArray[np.float64] = weights / weights.sum()
    return shares


class Sampler:
    """Makes samples of one size."""

    def __init__(self, photos: Photos, truth: Truth, chosen: npt.NDArray[np.intp]) -> None:
        """Prepares.

        Args:
            photos: All photos.
            truth: What is in them.
            chosen: Indexes of those that may be used, also for pasting.
        """
        self._photos, self._truth = photos, truth
        self._donors = {name: chosen[truth.presence[chosen, PRESENCE.index(name)] > 0] for name in _PASTED}

    def plain(self, index: int, view: int, size: tuple[int, int]) -> Sample:
        """Returns a photo as inference would see it."""
        matrix = _frame_matrix(size)
        return self._finish(index, view, matrix, size, np.random.default_rng(0), changed=False)

    def changed(self, index: int, size: tuple[int, int], rng: np.random.Generator) -> Sample:
        """Returns a photo changed at random."""
        view, part = int(rng.random() < _BLURRED_SHARE), bool(rng.random() < _PART_SHARE)
        sample = self._finish(index, view, _random_matrix(size, rng, part=part), size, rng, changed=True)
        if part and rng.random() < 0.5:
            _end_below(sample, int(size[0] * rng.uniform(0.9, 0.98)))
        seen = set(np.unique(sample.labels).tolist())
        for column, name in enumerate(PRESENCE):
            if name in LABELS and LABELS.index(name) not in seen:  # moved out of the picture, so nobody can tell
                sample.known[column] = 1 - sample.presence[column]
        return sample

    def _finish(
        self, index: int, view: int, matrix: Matrix, size: tuple[int, int], rng: np.random.Generator, *, changed: bool
    ) -> Sample:
        photos, truth = self._photos, self._truth
        image = _warp(photos.bgr[index, view], matrix, size)
        labels = _warp(truth.labels[index], matrix, size, cv2.INTER_NEAREST)
        mask = _warp(photos.masks[index, view], matrix, size).astype(np.float32) / np.float32(255)
        joints, visibility = _move(photos.joints[index, view], matrix), photos.joints[index, view, :, 2]
        presence, known = truth.presence[index].copy(), truth.known[index].copy()
        if changed:
            for name, chance in _PASTE_CHANCE.items():
                if rng.random() < chance and len(self._donors[name]):
                    self._paste(name, (image, labels), joints, size, rng)
                    presence[PRESENCE.index(name)] = 1
            image = _recolor(image, labels, rng)
            image = _photograph(image, rng)
            mask, joints, visibility = _disturb(mask, joints, visibility, rng)
            outside = ((joints < 0) | (joints > (size[1], size[0]))).any(axis=1)
            visibility = np.where(outside, visibility * np.float32(rng.uniform(0, 0.3)), visibility)
        planes = stack(image.astype(np.float32), mask, joints, visibility)
        return Sample(planes, labels[::2, ::2].copy(), presence, known)

    def _paste(
        self,
        name: str,
        into: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]],
        joints: Floats,
        size: tuple[int, int],
        rng: np.random.Generator,
    ) -> None:
        """Lays one thing of another photo over this one, where it would hang on this body."""
        donor, pair = int(rng.choice(self._donors[name])), list(_PASTED[name])
        theirs = self._photos.joints[donor, 0, :, :2]
        scale = unit_of(joints) / unit_of(theirs) * float(rng.uniform(0.85, 1.2))
        turn = np.array([[scale * (1 if rng.random() < 0.5 else -1), 0.0], [0.0, scale]])
        nudge = rng.normal(0, 0.05 * unit_of(joints), 2)
        shift = joints[pair].mean(axis=0) + nudge - turn @ theirs[pair].mean(axis=0)
        matrix = np.concatenate([turn, shift[:, None]], axis=1)
        number = LABELS.index(name)
        shape = _warp((self._truth.labels[donor] == number).astype(np.uint8), matrix, size, cv2.INTER_NEAREST) > 0
        image, labels = into
        image[shape] = _warp(self._photos.bgr[donor, 0], matrix, size)[shape]
        labels[shape] = number


def _end_below(sample: Sample, row: int) -> None:
    """Lets the photo end at a row: black below it, as where a frame reaches beyond its photo."""
    sample.planes[:3, row:] = -1
    sample.planes[3, row:] = 0
    sample.labels[(row + 1) // 2 :] = LABELS.index("background")


def _frame_matrix(size: tuple[int, int]) -> Matrix:
    """From the cached region to the person's frame in the middle of it, pixel edges on pixel edges."""
    scale = size[0] / HEIGHT_PX
    left, top = (CACHE_PX[1] - WIDTH_PX) / 2, (CACHE_PX[0] - HEIGHT_PX) / 2
    return np.array([[scale, 0, -scale * left], [0, scale, -scale * top]], np.float64)


def _random_matrix(size: tuple[int, int], rng: np.random.Generator, *, part: bool) -> Matrix:
    height, width = size
    zoom = float(np.exp(rng.uniform(-0.12, 0.22)))
    shift = rng.normal(0, 0.035, 2) * (width, height)
    if part:
        zoom = float(rng.uniform(1.3, 2.4))
        down = rng.uniform(-0.35, 0.5) * height * (zoom - 1)
        shift = np.array([rng.uniform(-0.08, 0.08) * width, down])
    stretch, angle = float(np.exp(rng.normal(0, 0.05))), float(rng.normal(0, np.radians(4.5)))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    turn = zoom * np.array([[cos, -sin], [sin, cos]]) @ np.diag([flip * stretch, 1 / stretch])
    middle = np.array([width / 2, height / 2])
    base = _frame_matrix(size)
    return np.concatenate([turn @ base[:, :2], (turn @ (base[:, 2] - middle) + middle + shift)[:, None]], axis=1)


def _warp(
    values: npt.NDArray[np.uint8], matrix: Matrix, size: tuple[int, int], interpolation: int = cv2.INTER_LINEAR
) -> npt.NDArray[np.uint8]:
    """Warps by a map between pixel edges (a pixel's centre is at 0.5)."""
    by_centres = matrix.copy()
    by_centres[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return np.asarray(cv2.warpAffine(values, by_centres, size[::-1], flags=interpolation), np.uint8)


def _move(joints: Floats, matrix: Matrix) -> Floats:
    moved: Floats = (joints[:, :2] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved


def _recolor(
    image: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Gives some garments another colour."""
    steps = np.arange(256, dtype=np.float64)[:, None] / 255
    for name in _RECOLORED:
        if rng.random() >= _RECOLOR_CHANCE:
            continue
        where = labels == LABELS.index(name)
        if not where.any():
            continue
        light = rng.uniform(0.6, 1.35) * rng.uniform(0.75, 1.25, 3)
        table = np.clip(255 * (steps ** rng.uniform(0.65, 1.5) * light + rng.uniform(-0.05, 0.12)), 0, 255)
        order = rng.permutation(3) if rng.random() < 0.4 else np.arange(3)
        pixels = image[where][:, order]
        image[where] = np.stack([table[pixels[:, channel], channel] for channel in range(3)], axis=1).astype(np.uint8)
    return image


def _photograph(image: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Changes light, sharpness and compression, and hides a patch now and then."""
    if rng.random() < 0.15:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.1))), np.uint8)
    if rng.random() < 0.15:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))]
        image = np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    pixels = image.astype(np.float32) / np.float32(255)
    gray = pixels.mean(axis=2, keepdims=True)
    pixels = gray + (pixels - gray) * np.float32(rng.uniform(0.5, 1.4))
    pixels = np.clip(pixels, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.2)))
    pixels = pixels * (rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3)).astype(np.float32)
    if rng.random() < 0.3:
        pixels += rng.normal(0, rng.uniform(0.005, 0.03), pixels.shape).astype(np.float32)
    if rng.random() < 0.2:
        height, width = image.shape[:2]
        side, y, x = int(rng.integers(width // 12, width // 4)), int(rng.integers(height)), int(rng.integers(width))
        pixels[y : y + side, x : x + side] = rng.uniform(0, 1, 3)
    photographed: npt.NDArray[np.uint8] = np.clip(255 * pixels, 0, 255).astype(np.uint8)
    return photographed


def _disturb(
    mask: Floats, joints: Floats, visibility: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Makes the mask and the pose as wrong as they are now and then."""
    joints = joints + rng.normal(0, 0.02 * unit_of(joints), joints.shape).astype(np.float32)
    if rng.random() < 0.06:
        mask = np.zeros_like(mask)
    if rng.random() < 0.06:
        visibility = np.full_like(visibility, 0.1)
    return mask, joints, visibility
