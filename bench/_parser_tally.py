"""What is counted over photos with hand-made masks, for one parser of garments; used by `_parser.py`."""

import time
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from imaging.color import delta_e_2000, srgb_to_lab
from vision_svc.garments.colors import dominant_colors
from vision_svc.garments.foreground import crop_to_mask
from vision_svc.garments.thumbnail import thumbnail
from vision_svc.garments.types import Bucket, GarmentParser, ParsedImage
from vision_svc.people.types import Box, ImageBgr

BoolMask = npt.NDArray[np.bool_]

MEAN_OF = ("upper", "bottom", "dress", "shoes", "bag")
# What of an answer is held against each thing that is measured.
ANSWER: dict[str, tuple[Bucket | str, ...]] = {
    "top": (Bucket.TOP,), "outerwear": (Bucket.OUTERWEAR,), "upper": (Bucket.TOP, Bucket.OUTERWEAR),
    "bottom": (Bucket.BOTTOM,), "dress": (Bucket.DRESS,), "shoes": (Bucket.SHOES,), "bag": ("bag",),
    "headwear": ("headwear",),
}  # fmt: skip
# A dress or a lower garment is worn where it takes this share of the person's pixels.
WORN_SHARE = 0.03
# Garments whose colour is judged, where they take this share of the photo and half of them was found.
COLORED, COLORED_SHARE, FOUND_OVERLAP = ("top", "outerwear", "bottom", "dress", "shoes", "bag"), 0.004, 0.5


@dataclass(frozen=True)
class Photo:
    """One photo with its truth: what is measured, and the person, each bool `(H, W)`; and the tone of the skin."""

    image_bgr: ImageBgr
    person: BoolMask
    truths: dict[str, BoolMask]
    faces: tuple[Box, ...] = ()
    tone_deg: float | None = None


@dataclass
class Tally:
    """Sums over all photos, for one parser."""

    shared: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    joined: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    scored: list[tuple[float, bool]] = field(default_factory=list)
    dresses: list[bool] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    color_des: list[float] = field(default_factory=list)
    nobody: int = 0

    def run(self, parser: GarmentParser, photo: Photo) -> None:
        """Parses one photo and adds what came out."""
        start = time.process_time()
        parsed = parser.parse(photo.image_bgr, photo.faces)
        self.cpu_ms.append(1000 * (time.process_time() - start))
        self.nobody += not parsed.persons
        masks = self._score(parsed, photo)
        for name, found in masks.items():
            self._add(name, found, photo.truths[name])
        person = np.logical_or.reduce([np.zeros_like(photo.person), *(one.mask for one in parsed.persons)])
        self._add("person", person, photo.person)
        least = WORN_SHARE * photo.person.sum()
        dress, bottom = (int(photo.truths[name].sum()) for name in ("dress", "bottom"))
        if max(dress, bottom) >= least:
            self.dresses.append(_told(int(masks["dress"].sum()), int(masks["bottom"].sum())) == (dress > bottom))
        self.color_des += color_distances(photo, parsed)

    def add(self, other: "Tally") -> None:
        """Adds the sums of another tally."""
        for own, others in ((self.shared, other.shared), (self.joined, other.joined)):
            for name, count in others.items():
                own[name] += count
        self.scored += other.scored
        self.dresses += other.dresses
        self.cpu_ms += other.cpu_ms
        self.color_des += other.color_des
        self.nobody += other.nobody

    def figures(self) -> dict[str, object]:
        """Returns all figures."""
        iou = {name: round(self.shared[name] / max(self.joined[name], 1), 3) for name in self.joined}
        return {
            "mean_iou": round(float(np.mean([iou[name] for name in MEAN_OF])), 3),
            "iou": iou,
            "dress_or_two_piece_right": round(float(np.mean(self.dresses)), 3),
            "dress_or_two_piece_photos": len(self.dresses),
            "nobody": self.nobody,
            "scores": self.calibration(),
            "cpu_ms_median": round(float(np.median(self.cpu_ms)), 1),
        }

    def calibration(self) -> dict[str, float]:
        """Mean score, share of right garments, and their distance over five equal parts of the scores."""
        if not self.scored:
            return {"garments": 0, "mean_score": 0.0, "right": 0.0, "error": 0.0}
        scored = np.array(sorted(self.scored), np.float64)
        sections = np.array_split(scored, 5)
        error = sum(len(one) * abs(one[:, 0].mean() - one[:, 1].mean()) for one in sections if len(one)) / len(scored)
        mean, right = scored.mean(axis=0)
        return {
            "garments": len(scored),
            "mean_score": round(mean, 3),
            "right": round(right, 3),
            "error": round(error, 3),
        }

    def _score(self, parsed: ParsedImage, photo: Photo) -> dict[str, BoolMask]:
        masks = {name: np.zeros_like(photo.person) for name in ANSWER}
        for garment in parsed.garments:
            mask = garment.full_mask(*photo.person.shape)
            names = [name for name, keys in ANSWER.items() if {garment.bucket, garment.category} & set(keys)]
            for name in names:
                masks[name] |= mask
            if names:  # a garment is right when most of it is of its bucket
                self.scored.append((garment.score, bool((mask & photo.truths[names[0]]).sum() > 0.5 * mask.sum())))
        return masks

    def _add(self, name: str, found: BoolMask, truth: BoolMask) -> None:
        self.shared[name] += int((found & truth).sum())
        self.joined[name] += int((found | truth).sum())


def _told(dress_px: int, bottom_px: int) -> bool | None:
    """Tells whether a dress was found rather than a lower garment; None, which is never right, where neither was."""
    return None if not dress_px + bottom_px else dress_px > bottom_px


def color_distances(photo: Photo, parsed: ParsedImage) -> list[float]:
    """Returns dE2000 of our first colour to the true median, for each garment of the truth of which half was found."""
    distances = []
    for name in COLORED:
        truth, keys = photo.truths[name], set(ANSWER[name])
        if truth.sum() < COLORED_SHARE * truth.size:
            continue
        masks = [one.full_mask(*truth.shape) for one in parsed.garments if {one.bucket, one.category} & keys]
        best = max(masks, key=lambda mask: float((mask & truth).sum() / (mask | truth).sum()), default=None)
        if best is not None and (best & truth).sum() >= FOUND_OVERLAP * (best | truth).sum():
            true = np.median(srgb_to_lab(photo.image_bgr[truth][:, ::-1]), axis=0)
            said = dominant_colors(thumbnail(crop_to_mask(photo.image_bgr, best)).lab)[0].lab
            distances.append(float(delta_e_2000(np.array(said), true)))
    return distances
