"""Views that no label fits, for a teacher to speak of: garments blended with each other, and pieces of any photo."""

import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from imaging.decode import decode_bgr
from vision_svc.garments.kinds import KINDS
from vision_svc.training.encoder_augment import Augmenter, Batch, Plane
from vision_svc.training.encoder_data import Samples
from vision_svc.training.encoder_labels import held_out

_PHOTO_PX = 400
# Share of blends that let one garment shine through another; in the others it is cut into it.
_SHINING_SHARE = 0.5
# What a piece of a photo covers of it, and how often it fills the outline of a garment.
_LEAST_PIECE, _MOST_PIECE, _OUTLINE_SHARE = 0.15, 0.9, 0.5


class Blends:
    """Draws batches in which each garment is mixed with another one."""

    def __init__(self, samples: Samples, seed: int) -> None:
        self._augment, self._rng = Augmenter(samples, seed), np.random.default_rng(seed + 1)

    def batch(self, size: int, side_px: int) -> Batch:
        """Draws a batch as `Augmenter.batch` does, then mixes: no pattern is known, every kind is allowed."""
        drawn = self._augment.batch(size, side_px)
        other = self._rng.permutation(size)
        pairs = zip(drawn.inputs, drawn.inputs[other], strict=True)
        return _unlabelled(np.stack([self._mixed(one, two) for one, two in pairs]))

    def _mixed(self, one: Plane, two: Plane) -> Plane:
        share = np.float32(self._rng.uniform(0.2, 0.8))
        if self._rng.random() < _SHINING_SHARE:
            return share * one + (1 - share) * two
        side = one.shape[-1]
        length = int(side * np.sqrt(share))
        x, y = (int(self._rng.integers(0, side - length + 1)) for _ in range(2))
        cut = one.copy()
        cut[:, y : y + length, x : x + length] = two[:, y : y + length, x : x + length]
        return cut


class Anywhere:
    """Draws batches of pieces of photos, whatever they show.

    Args:
        samples: Whose masks give the outlines.
        folders: Where photos lie: garments with a `labels.csv`, or street photos (`*.jpg`). No held-out one is read.
        seed: Of the draw.
    """

    def __init__(self, samples: Samples, folders: Sequence[Path], seed: int) -> None:
        self._augment, self._rng = Augmenter(samples, seed), np.random.default_rng(seed + 1)
        self._masks = samples.masks[~samples.held_out]
        paths = [path for folder in folders for path in _training_side(folder)]
        self._photos = [decode_bgr(path.read_bytes(), max_side_px=_PHOTO_PX) for path in paths]

    def batch(self, size: int, side_px: int) -> Batch:
        """Draws a batch: no pattern is known, every kind is allowed."""
        return _unlabelled(np.stack([self._piece(side_px) for _ in range(size)]))

    def _piece(self, side_px: int) -> Plane:
        rng = self._rng
        photo = self._photos[int(rng.integers(len(self._photos)))]
        side = int(min(photo.shape[:2]) * np.sqrt(rng.uniform(_LEAST_PIECE, _MOST_PIECE)))
        top, left = (int(rng.integers(0, length - side + 1)) for length in photo.shape[:2])
        how = cv2.INTER_AREA if side > side_px else cv2.INTER_LINEAR
        piece = cv2.resize(photo[top : top + side, left : left + side], (side_px, side_px), interpolation=how)
        mask = self._masks[int(rng.integers(len(self._masks)))]
        inside = np.asarray(cv2.resize(mask, (side_px, side_px)) >= 128, np.float32)
        image = self._augment.relit(piece[..., ::-1] / np.float32(255)) * 2 - 1
        if rng.random() < _OUTLINE_SHARE:
            image = image * inside[..., None]
        return np.concatenate([image.transpose(2, 0, 1), inside[None]]).astype(np.float32)


def _training_side(folder: Path) -> list[Path]:
    if not (folder / "labels.csv").exists():
        return [path for path in sorted(folder.glob("*.jpg")) if not held_out(path.name)]
    with (folder / "labels.csv").open(newline="") as file:
        return [folder / row["file"] for row in csv.DictReader(file) if not held_out(row["sender_id"])]


def _unlabelled(inputs: npt.NDArray[np.float32]) -> Batch:
    return Batch(inputs, np.ones((len(inputs), len(KINDS)), np.bool_), np.full(len(inputs), -1, np.int64))
