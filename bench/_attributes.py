"""How well colours and their names are told, and patterns of drawn garments; used by `garments.py`.

Truth of a garment's colour is the median L*a*b* over its true mask: of the folder's `manifest.json` where it has one,
else computed from photo and mask. It is held against the first (largest) colour that we answer, in two ways: described
on the true mask, and end to end, where each garment of the truth is answered by the parsed garment that overlaps it
most: by at least half (intersection over union, as Pascal VOC calls a thing found), or else it does not count and the
parser's own figures have it; the share that is found stands beside it, and so do the figures from a quarter on, where
half of what is described may be something else.

The median of a print's colours may be none of them (grey for black and white stripes); then no answer that tells what
is there can be right. So the same figures stand beside it for garments of which at least half lies within 10 dE2000 of
the truth: there the truth is a colour of the garment.

A name is right when it names the true colour as well as any name of our vocabulary does, as far as an eye can tell:
its centre is at most 1 dE2000 (just noticeable) farther from the truth than the nearest centre. `strict` asks for the
nearest name itself, so that a truth on the border of two names counts half the time by luck; `basic` for the same of
twelve basic colour terms (those of Berlin and Kay, and beige). What we call the truth and what we call our answer come
from one vocabulary: the figure judges the measured colour and how finely it is named, not whether people would agree
with the vocabulary; that is for its table to defend (`vision_svc/garments/color_names.py`).
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bench import _worn_patterns
from imaging.color import delta_e_2000, srgb_to_lab
from imaging.decode import decode_bgr
from retrieval_svc.catalog.demo.export import DEFAULT_SEED, demo_products
from vision_svc.garments.color_names import by_name, nearest_color, vocabulary
from vision_svc.garments.colors import dominant_colors
from vision_svc.garments.fashion import FashionEmbedder
from vision_svc.garments.foreground import crop_to_mask, cut_out
from vision_svc.garments.parse_trained import TrainedParser
from vision_svc.garments.pattern import measure_pattern, named_pattern
from vision_svc.garments.thumbnail import GarmentView, thumbnail
from vision_svc.garments.types import ParsedImage
from vision_svc.people.types import BoolMask, ImageBgr
from vision_svc.training.encoder_labels import MASK_LABELS

Lab = npt.NDArray[np.float64]

MAX_MEDIAN_DE, MIN_NAMES_RIGHT = 6.0, 0.85
# A piece smaller than this share of its photo is buttons and blur; one that overlaps less was not found.
LEAST_SHARE, FOUND_OVERLAP, POOR_OVERLAP = 0.004, 0.5, 0.25
# Names tie where their distances to the truth differ by no more than an eye can tell, dE2000.
NOTICEABLE_DE = 1.0
DRAWN_SEED, DRAWN_COUNT = DEFAULT_SEED + 4704, 120
# The truth is a colour of the garment where this share of it is this near to the truth, dE2000.
ONE_COLOR_SHARE, ONE_COLOR_DE = 0.5, 10.0
QUICK_PHOTOS, QUICK_DRAWN = 20, 30


@dataclass(frozen=True)
class Piece:
    """One garment of the truth.

    Attributes:
        half: Of which half of the photos, 0 or 1.
        truth: Its true colour, `(3,)`.
        on_mask: The colour that we answer on its true mask.
        parsed: The colour that we answer for the parsed garment; any where none overlaps.
        overlap: Intersection over union of the two, 0-1.
        near_truth: Share of its pixels, under the true mask, that are near the true colour.
        pattern: What is said of its pattern, where that was labelled and the garment was found.
    """

    half: int
    truth: Lab
    on_mask: Lab
    parsed: Lab
    overlap: float
    near_truth: float
    pattern: _worn_patterns.WornPattern | None


def on_attributes(folder: Path, models: Path, *, quick: bool) -> tuple[dict[str, object], list[str]]:
    """Measures colours on a folder of photos with masks, and patterns on drawn garments; figures, and what missed."""
    found = list(_pieces(folder, models, QUICK_PHOTOS if quick else None))
    parsed = _end_to_end(found, FOUND_OVERLAP)
    figures: dict[str, object] = {
        "colors_true_masks": judged([(piece.truth, piece.on_mask) for piece in found]),
        "colors_end_to_end": parsed,
        "colors_end_to_end_halves": [
            _end_to_end([piece for piece in found if piece.half == half], FOUND_OVERLAP) for half in (0, 1)
        ],
        "colors_end_to_end_from_a_quarter": _end_to_end(found, POOR_OVERLAP),
        "colors_end_to_end_where_truth_is_a_color": {
            name: _end_to_end([piece for piece in found if piece.near_truth >= ONE_COLOR_SHARE], least)
            for name, least in (("from_a_half", FOUND_OVERLAP), ("from_a_quarter", POOR_OVERLAP))
        },
        "patterns_worn": _worn_patterns.figures([piece.pattern for piece in found if piece.pattern]),
        "patterns_drawn": on_drawn(QUICK_DRAWN if quick else DRAWN_COUNT),
    }
    missed = []
    if parsed["median_de2000"] > MAX_MEDIAN_DE:
        missed.append(f"colors: median dE2000 {parsed['median_de2000']} > {MAX_MEDIAN_DE}")
    if parsed["names_right"] < MIN_NAMES_RIGHT:
        missed.append(f"colors: names right {parsed['names_right']} < {MIN_NAMES_RIGHT}")
    return figures, missed


def _end_to_end(pieces: list[Piece], least: float) -> dict[str, float]:
    pairs = [(piece.truth, piece.parsed) for piece in pieces if piece.overlap >= least]
    return judged(pairs) | {"found": round(len(pairs) / max(len(pieces), 1), 3)}


def judged(pairs: list[tuple[Lab, Lab]]) -> dict[str, float]:
    """Returns how near colours are to their truth and how right their names, for pairs of truth and answer."""
    if not pairs:
        return {"garments": 0, "median_de2000": 0.0, "within_6": 0.0, "names_right": 0.0, "strict": 0.0, "basic": 0.0}
    distance = np.array([float(delta_e_2000(answer, truth)) for truth, answer in pairs])
    named = np.array([name_judged(truth, answer) for truth, answer in pairs], np.float64)
    right, strict, basic = named.mean(axis=0)
    return {
        "garments": len(pairs),
        "median_de2000": round(float(np.median(distance)), 2),
        "within_6": round(float((distance <= MAX_MEDIAN_DE).mean()), 3),
        "names_right": round(float(right), 3),
        "strict": round(float(strict), 3),
        "basic": round(float(basic), 3),
    }


def name_judged(truth: Lab, answer: Lab) -> tuple[bool, bool, bool]:
    """Tells whether the name of an answer is right for the truth, the nearest, and of the same basic term."""
    said, nearest = nearest_color(answer), nearest_color(truth)
    away = float(delta_e_2000(truth, by_name()[said.name].lab)) - float(delta_e_2000(truth, nearest.lab))
    return away <= NOTICEABLE_DE, said.name == nearest.name, said.family == nearest.family


def on_drawn(count: int) -> dict[str, object]:
    """Names the patterns of drawn garments of a seed that nothing was trained on, by `fashion/3` and by the rule."""
    embedder, views, truths = FashionEmbedder(), [], []
    for product in demo_products(count, DRAWN_SEED):
        views.append(cut_out(product.rendering.image_bgr).view)
        truths.append(product.piece.look.pattern)
    found = [named_pattern(measure_pattern(thumbnail(view)), embedder.infer([view])[0], worn=False) for view in views]
    right = Counter(truth for truth, one in zip(truths, found, strict=True) if one.word == truth)
    return {
        "garments": count,
        "names": len(vocabulary()),
        "right": round(sum(right.values()) / count, 3),
        "by_pattern": {name: round(right[name] / total, 3) for name, total in sorted(Counter(truths).items())},
        "mean_confidence": round(float(np.mean([one.confidence for one in found])), 3),
    }


def _pieces(folder: Path, models: Path, most: int | None) -> Iterator[Piece]:
    parser, names, told = TrainedParser.load(models), _label_names(folder), _told(folder)
    embedder, patterns = FashionEmbedder(), _worn_patterns.pattern_labels()
    every = sorted(folder.glob("*_mask.png"))
    for path in every[:: -(-len(every) // most) if most else 1]:
        photo = path.with_name(path.name.replace("_mask.png", ".jpg"))
        image, labels = decode_bgr(photo.read_bytes()), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if labels is None or labels.shape != image.shape[:2]:
            continue
        parsed, half = parser.parse(image), zlib.crc32(photo.name.encode()) % 2
        for number in np.unique(labels):
            mask = labels == number
            if names[number] in MASK_LABELS and mask.mean() >= LEAST_SHARE:
                truth = told.get((photo.name, names[number]))
                if truth is None:
                    truth = np.median(srgb_to_lab(image[mask][:, ::-1]), axis=0)
                best, overlap = _parsed_mask(mask, parsed)
                label = patterns.get((photo.stem, names[number]))
                pattern = (
                    _worn_patterns.look_at(crop_to_mask(image, best), label, half, embedder)
                    if label and overlap >= FOUND_OVERLAP
                    else None
                )
                answers = _first_color(image, mask), _first_color(image, best), overlap
                yield Piece(half, truth, *answers, near_truth(image, mask, truth), pattern)


def near_truth(image: ImageBgr, mask: BoolMask, truth: Lab) -> float:
    """Returns the share of a garment's pixels that are near its true colour `(3,)`, 0-1."""
    distance = delta_e_2000(thumbnail(crop_to_mask(image, mask)).lab, truth)
    return float((distance <= ONE_COLOR_DE).mean())


def _parsed_mask(mask: BoolMask, parsed: ParsedImage) -> tuple[BoolMask, float]:
    """Returns the parsed garment that overlaps a mask most, and by how much; the mask itself where none does."""
    best, overlap = mask, 0.0
    for garment in parsed.garments:
        found = garment.full_mask(*mask.shape)
        share = float((found & mask).sum()) / float((found | mask).sum())
        if share > overlap:
            best, overlap = found, share
    return best, overlap


def _first_color(image: ImageBgr, mask: BoolMask) -> Lab:
    view: GarmentView = crop_to_mask(image, mask)
    return np.array(dominant_colors(thumbnail(view).lab)[0].lab)


def _label_names(folder: Path) -> list[str]:
    names: list[str] = json.loads((folder / "ccp_labels.json").read_text())["index_to_label"]
    return names


def _told(folder: Path) -> dict[tuple[str, str], Lab]:
    """True colours by photo and garment, as the folder's manifest has them; empty without one."""
    path = folder / "manifest.json"
    told: dict[tuple[str, str], Lab] = {}
    for photo in json.loads(path.read_text()) if path.is_file() else []:
        for name, garment in ((photo.get("ground_truth") or {}).get("garments") or {}).items():
            told[Path(photo["file"]).name, name] = np.array(garment["median_lab"], np.float64)
    return told
