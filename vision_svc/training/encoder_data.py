"""The training pictures of the fashion encoder: cut out once, kept small in memory and in a cache file."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from imaging.decode import decode_bgr
from vision_svc.garments.foreground import cut_out
from vision_svc.garments.kinds import KINDS, PATTERN_KINDS
from vision_svc.people.types import BoolMask, ImageBgr
from vision_svc.training.encoder_labels import (
    LOWER_KINDS,
    MASK_LABELS,
    ONE_PIECE_KINDS,
    PHOTO_LABELS,
    UPPER_KINDS,
    held_out,
)
from vision_svc.training.fit_descriptor import distort

CACHE_PX = 208
# Room around a worn garment, as a share of its longer side: background for the samples that keep it.
_ROOM = 0.1
_LONG_SIDE_PX = 400
# A worn piece smaller than this share of its photo says nothing.
_LEAST_SHARE = 0.004
# What lies outside of a photo: nothing, to the network.
_GREY = (128, 128, 128)
PHOTO, WORN, DRAWN = range(3)


@dataclass(frozen=True)
class Samples:
    """Garments with their masks, `N` of them.

    Attributes:
        images: uint8 `(N, 208, 208, 3)`, BGR: whole photos; worn garments with some background around them.
        masks: uint8 `(N, 208, 208)`, 0 or 255.
        kinds: bool `(N, len(KINDS))`: the kinds that the label allows.
        patterns: int64 `(N,)`, index in PATTERN_KINDS; -1 where nobody said.
        domains: int64 `(N,)`: PHOTO, WORN or DRAWN.
        held_out: bool `(N,)`: never trained on.
        labels: `(N,)`, the data set's own label.
        contributors: `(N,)`: who sent the photo; the photo's name where nobody is known.
        again: bool `(N,)`: a distorted copy of the sample before.
    """

    images: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.bool_]
    patterns: npt.NDArray[np.int64]
    domains: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.str_]
    contributors: npt.NDArray[np.str_]
    again: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Piece:
    image: ImageBgr
    mask: npt.NDArray[np.uint8]
    kinds: tuple[str, ...]
    pattern: str
    domain: int
    label: str
    contributor: str
    again: bool = False


def load(cache: Path, garments: Path, parsing: Path | None, labels: Path | None, drawn: Path | None) -> Samples:
    """Reads the cache, or makes it (about three minutes of one core).

    Args:
        cache: File (.npz) that is read when it is there and written when not.
        garments: Folder with `labels.csv` (file, label, sender_id) and photos.
        parsing: Folder with street photos `NAME.jpg` and masks `NAME_mask.png`; None for none.
        labels: The names of the numbers in those masks (`ccp_labels.json`).
        drawn: Folder as `python -m retrieval_svc.catalog.demo` writes it; None for none.
    """
    if not cache.exists():
        pieces = list(_photos(garments))
        if parsing and labels:
            names = json.loads(labels.read_text())["index_to_label"]
            pieces += [*_worn(parsing, names), *_outfits(parsing, names)]
        if drawn:
            pieces += _drawn(drawn)
        np.savez(cache, **_columns(pieces))  # type: ignore[arg-type]  # its stub takes no ** of arrays
    return load_cache(cache)


def load_cache(cache: Path) -> Samples:
    """Reads what `load` has written."""
    with np.load(cache, allow_pickle=False) as file:
        return Samples(**{name: file[name] for name in file.files})


def _columns(pieces: list[_Piece]) -> dict[str, npt.NDArray[np.generic]]:
    patterns = [PATTERN_KINDS.index(piece.pattern) if piece.pattern in PATTERN_KINDS else -1 for piece in pieces]
    return {
        "images": np.stack([piece.image for piece in pieces]),
        "masks": np.stack([piece.mask for piece in pieces]),
        "kinds": np.array([[kind in piece.kinds for kind in KINDS] for piece in pieces]),
        "patterns": np.array(patterns, np.int64),
        "domains": np.array([piece.domain for piece in pieces], np.int64),
        "held_out": np.array([piece.domain != DRAWN and held_out(piece.contributor) for piece in pieces]),
        "labels": np.array([piece.label for piece in pieces]),
        "contributors": np.array([piece.contributor for piece in pieces]),
        "again": np.array([piece.again for piece in pieces]),
    }


def framed(image_bgr: ImageBgr, mask: BoolMask, *, whole: bool) -> tuple[ImageBgr, npt.NDArray[np.uint8]]:
    """Puts a whole photo, or a garment with a little background, into a square of 144 pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if whole:
        top, left, (bottom, right) = 0, 0, image_bgr.shape[:2]
    side = max(bottom - top, right - left) * (1 if whole else 1 + 2 * _ROOM)
    scale = CACHE_PX / side
    shift_x, shift_y = (left + right) / 2 - side / 2, (top + bottom) / 2 - side / 2
    if scale < 1:  # averaging first keeps thin stripes from becoming other stripes
        size = max(1, round(image_bgr.shape[1] * scale)), max(1, round(image_bgr.shape[0] * scale))
        shift_x, shift_y = shift_x * size[0] / image_bgr.shape[1], shift_y * size[1] / image_bgr.shape[0]
        image_bgr = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        mask = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
        scale = 1.0
    move = np.array([[scale, 0, -shift_x * scale], [0, scale, -shift_y * scale]])
    frame = (CACHE_PX, CACHE_PX)
    image = cv2.warpAffine(image_bgr, move, frame, borderValue=_GREY)
    inside = cv2.warpAffine(mask.astype(np.uint8) * 255, move, frame, flags=cv2.INTER_LINEAR)
    return image.astype(np.uint8, copy=False), np.where(inside >= 128, 255, 0).astype(np.uint8)


def _located(image: ImageBgr) -> tuple[ImageBgr, npt.NDArray[np.uint8]]:
    """Cuts a picture out as the service does, and frames the result together with its background."""
    found = cut_out(image)
    if not found.found:
        return framed(image, np.ones(image.shape[:2], np.bool_), whole=True)
    # The view is a crop; its place in the picture follows from the address of its first pixel.
    offset = found.view.image_bgr.__array_interface__["data"][0] - image.__array_interface__["data"][0]
    top, left = offset // image.strides[0], offset % image.strides[0] // image.strides[1]
    mask = np.zeros(image.shape[:2], np.bool_)
    height, width = found.view.mask.shape
    mask[top : top + height, left : left + width] = found.view.mask
    return framed(image, mask, whole=True)


def _photos(folder: Path) -> Iterator[_Piece]:
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in PHOTO_LABELS]
    for index, row in enumerate(rows):
        image = np.ascontiguousarray(decode_bgr((folder / row["file"]).read_bytes(), max_side_px=_LONG_SIDE_PX))
        kinds, sender = PHOTO_LABELS[row["label"]], row["sender_id"]
        yield _Piece(*_located(image), kinds, "", PHOTO, row["label"], sender)
        again = np.ascontiguousarray(distort(image, np.random.default_rng(index)))
        yield _Piece(*_located(again), kinds, "", PHOTO, row["label"], sender, again=True)


def _worn(folder: Path, names: list[str]) -> Iterator[_Piece]:
    for photo, image, labels in _masked(folder):
        for number in np.unique(labels):
            name, mask = names[number], np.asarray(labels == number)
            if name in MASK_LABELS and mask.mean() >= _LEAST_SHARE:
                yield _Piece(*framed(image, mask, whole=False), MASK_LABELS[name], "", WORN, name, photo)


def _outfits(folder: Path, names: list[str]) -> Iterator[_Piece]:
    """Yields everything between neck and feet as one: a dress, or pieces of which none is a dress."""
    for photo, image, labels in _masked(folder):
        kinds = {number: MASK_LABELS.get(names[number], ("",)) for number in np.unique(labels)}
        one_piece, lower, upper = (
            {number: worn for number, worn in kinds.items() if set(worn) & group}
            for group in (ONE_PIECE_KINDS, LOWER_KINDS, UPPER_KINDS)
        )
        truth = one_piece or (lower | upper if lower else {})
        mask = np.isin(labels, [*one_piece, *lower, *upper])
        if truth and mask.mean() >= _LEAST_SHARE:
            allowed = tuple(sorted({kind for worn in truth.values() for kind in worn}))
            yield _Piece(*framed(image, mask, whole=False), allowed, "", WORN, "outfit", photo)


def _masked(folder: Path) -> Iterator[tuple[str, ImageBgr, npt.NDArray[np.uint8]]]:
    for path in sorted(folder.glob("*_mask.png")):
        photo = path.with_name(path.name.replace("_mask.png", ".jpg"))
        labels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        image = decode_bgr(photo.read_bytes())
        if labels is not None and labels.shape == image.shape[:2]:
            yield photo.name, image, np.asarray(labels, np.uint8)


def _drawn(folder: Path) -> Iterator[_Piece]:
    for line in (folder / "catalog.jsonl").read_text().splitlines():
        row = json.loads(line)
        image = np.ascontiguousarray(decode_bgr((folder / row["image"]).read_bytes(), max_side_px=_LONG_SIDE_PX))
        if row["category"] in KINDS:
            yield _Piece(*_located(image), (row["category"],), row["pattern"], DRAWN, row["category"], row["sku"])
