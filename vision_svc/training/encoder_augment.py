"""Training samples from garments: moved, relit, recoloured, partly hidden, printed on, without their background."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.garments.kinds import PATTERN_KINDS
from vision_svc.training.encoder_data import DRAWN, PHOTO, WORN, Samples
from vision_svc.training.encoder_prints import print_on

Plane = npt.NDArray[np.float32]
# Share of each kind of picture in a batch.
_DOMAIN_SHARE = {PHOTO: 0.66, WORN: 0.24, DRAWN: 0.10}
_AGAIN_SHARE = 0.4
_PRINT_SHARE = 0.3
_WHOLE_SHARE = 0.1
_OTHER_SHARE = 0.5
# Garments plain enough to print on: texture (standard deviation of the band-passed lightness, 0-255) below this.
_PLAIN_TEXTURE = 5.5
# The rotation of hue turns about the grey axis.
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)
_FROM_YIQ = np.linalg.inv(_TO_YIQ).astype(np.float32)


@dataclass(frozen=True)
class Batch:
    """Inputs and truths: `(N, 4, S, S)` float32, bool `(N, len(KINDS))`, int64 `(N,)` with -1 for unknown patterns."""

    inputs: Plane
    kinds: npt.NDArray[np.bool_]
    patterns: npt.NDArray[np.int64]


def network_input(
    image_bgr: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8], side_px: int, *, guessed: bool = False
) -> Plane:
    """Turns a framed garment into what the network takes, without chance: `(4, S, S)`.

    Args:
        image_bgr: As in `Samples`.
        mask: As in `Samples`.
        side_px: S.
        guessed: The mask may be wrong: the whole picture stays, and the mask is a hint beside it.
    """
    weight = (mask > 0).astype(np.float32)
    box = _frame(image_bgr) if guessed else _box(mask)
    move = _move(box, side_px, scale=1.0 if guessed else 0.94, angle=0.0, shift=(0.0, 0.0), squeeze=1.0, flip=False)
    return _join(*_warped(image_bgr, weight, move, side_px), guessed=guessed)


class Augmenter:
    """Draws batches from the training side of the samples."""

    def __init__(self, samples: Samples, seed: int) -> None:
        self._samples, self._rng = samples, np.random.default_rng(seed)
        self._texture = np.array(
            [_texture(image, mask) for image, mask in zip(samples.images, samples.masks, strict=True)]
        )
        self._boxes = [_box(mask) for mask in samples.masks]
        self._chance = _chances(samples)
        self._paired = samples.again | np.append(samples.again[1:], False)

    def batch(self, size: int, side_px: int) -> Batch:
        """Draws a batch: `size / 2` garments, then the same once more, each moved and relit in its own way."""
        first = self._rng.choice(len(self._chance), size // 2, p=self._chance)
        # A photo and its distorted copy lie one after the other; either may be seen again as the other.
        other = first + np.where(self._samples.again[first], -1, 1) * self._paired[first]
        chosen = np.concatenate([first, np.where(self._rng.random(len(first)) < _OTHER_SHARE, other, first)])
        # Once with its surroundings and once without: what both have in common is the garment.
        guessed = self._rng.random(len(first)) < 0.5
        both = zip(chosen, np.concatenate([guessed, ~guessed]), strict=True)
        drawn = [self._sample(int(index), side_px, guessed=bool(how)) for index, how in both]
        inputs = np.stack([planes for planes, _ in drawn])
        return Batch(inputs, self._samples.kinds[chosen], np.array([pattern for _, pattern in drawn], np.int64))

    def _sample(self, index: int, side_px: int, *, guessed: bool) -> tuple[Plane, int]:
        rng, samples = self._rng, self._samples
        move = _move(
            _frame(samples.images[index]) if guessed else self._boxes[index], side_px,
            scale=(1.08 if guessed else 0.94) * float(np.exp(rng.uniform(-0.3, 0.4))),
            angle=float(rng.normal(0, 10) if rng.random() < 0.85 else rng.uniform(-60, 60)),
            shift=(float(rng.normal(0, 0.06)), float(rng.normal(0, 0.06))),
            squeeze=float(np.exp(rng.normal(0, 0.1))), flip=bool(rng.random() < 0.5),
        )  # fmt: skip
        weight = (samples.masks[index] > 0).astype(np.float32)
        if guessed and rng.random() < _WHOLE_SHARE:  # nothing could be told apart: the whole picture counts
            weight = np.ones_like(weight)
        image, inside = _warped(samples.images[index], weight, move, side_px)
        inside = self._hidden(inside)
        pattern = int(samples.patterns[index])
        if self._texture[index] < _PLAIN_TEXTURE and pattern < 0:
            pattern = 0
        if pattern == 0 and rng.random() < _PRINT_SHARE:
            pattern = int(rng.integers(1, len(PATTERN_KINDS)))
            image = print_on(image, inside, pattern, rng)
        return _join(self.relit(image), inside, guessed=guessed), pattern

    def _hidden(self, inside: Plane) -> Plane:
        """Spoils a mask: thinner, thicker, or with a hand, a bag, hair in front."""
        rng, side = self._rng, inside.shape[0]
        chance = rng.random()
        if chance < 0.2:
            step = cv2.erode if chance < 0.1 else cv2.dilate
            inside = np.asarray(step(inside, np.ones((3, 3), np.uint8)), np.float32)
        elif chance < 0.4:
            middle = (int(rng.uniform(0, side)), int(rng.uniform(0, side)))
            axes = (int(side * rng.uniform(0.04, 0.22)), int(side * rng.uniform(0.04, 0.22)))
            without = inside.copy()
            cv2.ellipse(without, middle, axes, float(rng.uniform(0, 180)), 0, 360, 0.0, -1)
            if without.sum() > 0.4 * inside.sum():
                inside = without
        return inside

    def relit(self, image: Plane) -> Plane:
        """Changes colour and light of `(H, W, 3)`, RGB, 0-1: all hues turned in two of five, grey in one of eight."""
        rng = self._rng
        turn = rng.uniform(-np.pi, np.pi) if rng.random() < 0.4 else rng.normal(0, 0.12)
        chroma = 0.0 if rng.random() < 0.12 else float(np.exp(rng.normal(0, 0.3)))
        cosine, sine = chroma * np.cos(turn), chroma * np.sin(turn)
        middle = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]], np.float32)
        mixed = image @ (_FROM_YIQ @ middle @ _TO_YIQ).T.astype(np.float32)
        mixed = (mixed - 0.5) * np.float32(np.exp(rng.normal(0, 0.25))) + np.float32(0.5 + rng.normal(0, 0.13))
        mixed = np.clip(mixed, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.2)))
        if rng.random() < 0.15:
            mixed = 1 - mixed
        if rng.random() < 0.15:
            mixed = np.asarray(cv2.GaussianBlur(mixed, (0, 0), rng.uniform(0.4, 1.1)), np.float32)
        if rng.random() < 0.2:
            mixed = mixed + rng.normal(0, rng.uniform(0.01, 0.05), mixed.shape).astype(np.float32)
        return np.clip(mixed, 0, 1).astype(np.float32)


def _chances(samples: Samples) -> npt.NDArray[np.float64]:
    """Returns how often each sample is drawn: rare labels and contributors more often, what is held out never.

    Without the contributors, a few who sent hundreds of photos would teach the network their floors.
    """
    chance = np.zeros(len(samples.labels))
    for domain, share in _DOMAIN_SHARE.items():
        inside = (samples.domains == domain) & ~samples.held_out
        names, place, count = np.unique(samples.labels[inside], return_inverse=True, return_counts=True)
        own = 1 / np.sqrt(count[place]) if len(names) else np.zeros(0)
        _, place, count = np.unique(samples.contributors[inside], return_inverse=True, return_counts=True)
        own = own / np.sqrt(count[place])
        own = own * np.where(samples.again[inside], _AGAIN_SHARE, 1 - _AGAIN_SHARE)
        chance[inside] = share * own / max(own.sum(), 1e-9)
    shares: npt.NDArray[np.float64] = chance / chance.sum()
    return shares


def _frame(image_bgr: npt.NDArray[np.uint8]) -> tuple[float, float, float, float]:
    return 0.0, 0.0, float(image_bgr.shape[1]), float(image_bgr.shape[0])


def _box(mask: npt.NDArray[np.uint8]) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 0.0, 0.0, float(mask.shape[1]), float(mask.shape[0])
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _move(
    box: tuple[float, float, float, float], side_px: int, *, scale: float, angle: float,
    shift: tuple[float, float], squeeze: float, flip: bool,
) -> npt.NDArray[np.float64]:  # fmt: skip
    """Returns the 2 x 3 matrix that puts a box into the middle of the square."""
    left, top, right, bottom = box
    zoom = scale * side_px / max(right - left, bottom - top)
    turn = np.deg2rad(angle)
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = linear @ np.diag([squeeze * (-1 if flip else 1), 1 / squeeze])
    target = side_px / 2 + np.array(shift) * side_px
    offset = target - linear @ np.array([(left + right) / 2, (top + bottom) / 2]) + 0.5 * (linear.sum(axis=1) - 1)
    return np.column_stack([linear, offset])


def _warped(
    image_bgr: npt.NDArray[np.uint8], weight: Plane, move: npt.NDArray[np.float64], side_px: int
) -> tuple[Plane, Plane]:
    frame = (side_px, side_px)
    image = cv2.warpAffine(image_bgr, move, frame, flags=cv2.INTER_LINEAR, borderValue=(128, 128, 128))
    inside = cv2.warpAffine(weight, move, frame, flags=cv2.INTER_LINEAR)
    return (image[..., ::-1] / np.float32(255)).astype(np.float32), (inside >= 0.5).astype(np.float32)


def _join(image_rgb: Plane, inside: Plane, *, guessed: bool) -> Plane:
    centred = image_rgb * 2 - 1
    if not guessed:
        centred = centred * inside[..., None]
    return np.concatenate([centred.transpose(2, 0, 1), inside[None]]).astype(np.float32)


def _texture(image_bgr: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> float:
    """Returns how much detail of one to three pixels the garment has inside."""
    gray = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    band = cv2.GaussianBlur(gray, (0, 0), 1.0) - cv2.GaussianBlur(gray, (0, 0), 3.0)
    inner = cv2.erode(mask, np.ones((9, 9), np.uint8)) > 0
    return float(band[inner].std()) if inner.sum() > 50 else 99.0
