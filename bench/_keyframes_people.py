"""People of real photographs for `keyframes.py`: cut out by their masks, recoloured by garment, before their room.

A photograph becomes a ground, from which the person is painted away, and the person as a layer on it: it sways or walks
over what is really behind people, in cloth that really folds. What it wears takes another colour; its folds stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bench._keyframes_camera import Clip, Setting, Studio, filmed, rng_of
from bench._keyframes_clips import filmed_changing
from bench._keyframes_colors import Color, other_color
from bench._keyframes_nuisances import NEGATIVES
from bench._keyframes_scene import WORLD_PX, Image

_LABELS = "ccp_labels.json"
# The manifest's groups of labels that a change of one part changes together.
_PARTS = {
    "top": ("upper",),
    "jacket": ("outer",),
    "bottom": ("lower", "full"),
    "all": ("upper", "outer", "lower", "full"),
}
_CHANGES = ("top", "jacket", "bottom", "equal_luma")
_NUISANCES = ("flicker", "pan", "walk", "mains", "shake", "ramp")
_SETTINGS = Setting(), Setting(width_px=480, height_px=640, quality=60)
# A garment that shows on less of the person than this cannot be told from a bag or a belt.
_LEAST_SHARE = 0.05
# Folds are deeper on bright cloth; more than this would leave the range.
_FOLDS = 0.8


@dataclass(frozen=True)
class Cutout:
    """A person cut out of a photograph.

    Attributes:
        bgr: uint8 `(H, W, 3)`, the photograph.
        ground: The same without the person.
        alpha: float32 `(H, W)`, 1 where the person is.
        parts: Which pixels each part of the outfit covers, for those that can change.
    """

    bgr: Image
    ground: Image
    alpha: npt.NDArray[np.float32]
    parts: dict[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Posed:
    """A cut-out person in the world: where, in which colours, and how far into the sway or the walk."""

    bgr: Image
    x: float
    phase: float = 0.0
    swing: float = 0.0
    arm_lift: float = 0.0


class PhotoWorld:
    """A photograph's ground, mirrored at its sides, with its person before it."""

    def __init__(self, cutout: Cutout) -> None:
        height, width = cutout.bgr.shape[:2]
        left, top = (WORLD_PX[0] - width) // 2, (WORLD_PX[1] - height) // 2
        sides = top, WORLD_PX[1] - height - top, left, WORLD_PX[0] - width - left
        self._ground: Image = cv2.copyMakeBorder(cutout.ground, *sides, cv2.BORDER_REFLECT)  # type: ignore[assignment]
        self._top = top
        self._alpha = cutout.alpha[:, :, None]
        self.people = [Posed(cutout.bgr, float(left))]

    def drawn(self) -> Image:
        """The world with its person, uint8 `(860, 1180, 3)` BGR."""
        image = self._ground.copy()
        for who in self.people:
            height, width = who.bgr.shape[:2]
            x = round(who.x + 0.012 * height * np.sin(who.phase) * (1 if who.swing < 0.2 else 0.4))
            first, last = max(x, 0), min(x + width, WORLD_PX[0])
            patch, share = image[self._top : self._top + height, first:last], self._alpha[:, first - x : last - x]
            patch[:] = np.clip(patch * (1 - share) + who.bgr[:, first - x : last - x] * share, 0, 255).astype(np.uint8)
        return image


def photo_clips(folder: Path, count: int) -> Iterable[tuple[str, Clip]]:
    """Films people of photographs, with the group of each clip.

    Args:
        folder: Photographs `NAME.jpg` with masks `NAME_mask.png`, and `ccp_labels.json`.
        count: How many photographs, evenly from all.
    """
    names = sorted(path.name.removesuffix("_mask.png") for path in folder.glob("*_mask.png"))
    for index, name in enumerate(names[:: max(len(names) // count, 1)][:count]):
        setting = _SETTINGS[index % len(_SETTINGS)]
        for part in _CHANGES:
            if (clip := photo_outfit_clip(folder, name, part, setting, "still")) is not None:
                yield "photos", clip
        for offset, part in enumerate(("top", "bottom")):
            nuisance = _NUISANCES[(index + 2 * offset) % len(_NUISANCES)]
            if (clip := photo_outfit_clip(folder, name, part, setting, nuisance)) is not None:
                yield "photos, hard", clip
        for offset in (0, 3):
            yield "photos, still", photo_negative_clip(folder, name, _NUISANCES[(index + offset) % 6], setting)


def photo_outfit_clip(folder: Path, name: str, part: str, setting: Setting, nuisance: str) -> Clip | None:
    """Somebody real changes one part of the outfit twice, from one frame to the next; None where it is not worn.

    Args:
        folder: With photographs, masks and `ccp_labels.json`.
        name: The photograph.
        part: `top`, `jacket`, `bottom` or `all`; `equal_luma` is a top of the same luma.
        setting: The camera.
        nuisance: What moves besides.
    """
    rng = rng_of(f"{part}-{name}", 0)
    cutout = _cut_out(folder, name, float(rng.uniform(330, 560)))
    where = cutout.parts.get("top" if part == "equal_luma" else part)
    if where is None:
        return None
    studio = _studio(cutout, rng, setting)
    move = NEGATIVES[nuisance](studio, rng)
    moments = [float(rng.uniform(1.6, 2.6)), float(rng.uniform(4.0, 5.0))]
    looks = [cutout.bgr]
    for _ in moments:
        looks.append(recolored(looks[-1], where, rng, same_luma=part == "equal_luma"))

    def wear(index: int) -> None:
        studio.world.people[0] = replace(studio.world.people[0], bgr=looks[index])  # type: ignore[call-arg]  # posed

    clip = filmed_changing(part, 0, studio, move, moments, wear)
    clip.name = f"{part}-{name}-{nuisance}"
    return clip


def photo_negative_clip(folder: Path, name: str, kind: str, setting: Setting) -> Clip:
    """Nothing is put on or taken off before the photograph; light, camera or the person move."""
    rng = rng_of(f"{kind}-{name}", 0)
    studio = _studio(_cut_out(folder, name, float(rng.uniform(330, 560))), rng, setting)
    clip = filmed(kind, 0, NEGATIVES[kind](studio, rng), studio)
    clip.name = f"{kind}-{name}"
    return clip


def recolored(bgr: Image, where: npt.NDArray[np.bool_], rng: np.random.Generator, *, same_luma: bool = False) -> Image:
    """The photograph with other colours where a garment is; folds and pattern stay.

    Args:
        bgr: uint8 `(H, W, 3)`.
        where: The garment.
        rng: Chooses the colour: at least 28 away in CIELAB.
        same_luma: Whether luma stays.
    """
    cloth = bgr[where].astype(np.float32)
    mean = cloth.mean(axis=0)
    old: Color = (round(float(mean[0])), round(float(mean[1])), round(float(mean[2])))
    new = other_color(rng, old, same_luma=same_luma)
    folds = cloth @ np.array([0.114, 0.587, 0.299], np.float32) / max(float(mean @ [0.114, 0.587, 0.299]), 8.0)
    changed = bgr.copy()
    shade = (1 + _FOLDS * (np.clip(folds, 0.2, 2.5) - 1))[:, None]
    changed[where] = np.clip(np.array(new, np.float32) * shade, 0, 255).astype(np.uint8)
    return changed


def _studio(cutout: Cutout, rng: np.random.Generator, setting: Setting) -> Studio:
    studio = Studio(rng, setting)
    studio.world = PhotoWorld(cutout)  # type: ignore[assignment]  # draws and has people, as a world does
    return studio


def _cut_out(folder: Path, name: str, height: float) -> Cutout:
    photo, labels = cv2.imread(str(folder / f"{name}.jpg")), cv2.imread(str(folder / f"{name}_mask.png"), 0)
    if photo is None or labels is None:
        raise FileNotFoundError(f"expected a photograph and its mask as {name} in {folder}")
    size = round(photo.shape[1] * height / photo.shape[0]), round(height)
    bgr, labels = cv2.resize(photo, size, interpolation=cv2.INTER_AREA), cv2.resize(labels, size, interpolation=0)
    person = (labels > 0).astype(np.uint8)
    # Hair and hems reach beyond their mask; what is left of them would stay behind as a shadow.
    ground = cv2.inpaint(bgr, cv2.dilate(person, np.ones((9, 9), np.uint8)), 5, cv2.INPAINT_TELEA)
    alpha = cv2.GaussianBlur(cv2.dilate(person, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 1.0)
    known = json.loads((folder / _LABELS).read_text())
    groups, index = known["suggested_groups"], known["index_to_label"].index
    parts = {
        part: np.isin(labels, [index(label) for group in chosen for label in groups[group]])
        for part, chosen in _PARTS.items()
    }
    worn = {part: where for part, where in parts.items() if where.sum() >= _LEAST_SHARE * person.sum()}
    return Cutout(bgr, ground, alpha, worn)  # type: ignore[arg-type]  # opencv's arrays say no more than ndarray
