"""Fits what tells people from lone garments: `python -m vision_svc.training.fit_presence --garments DIR --people DIR`.

`--garments` holds `labels.csv` (columns file, sender_id) and home photos of garments that nobody wears, `--people`
photos `NAME.jpg` of whole people, `--portraits` photos of heads and shoulders. A fifth of the contributors, and of the
photos of people, is held out. People are looked for as their photos are, with blurred faces, and cut off at knees and
hips and below the head. It prints the numbers for `vision_svc/garments/parse_wearer.py` and, on what is held out, how
many of all garments are taken for people, and how many of the people that were found are lost, at some limits.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from imaging.decode import decode_bgr
from imaging.faces import FaceDetector
from vision_svc.garments.parse_net import ParseNet
from vision_svc.garments.parse_trained import TrainedParser
from vision_svc.garments.parse_wearer import FEATURES
from vision_svc.people.finder import PersonFinder
from vision_svc.people.types import ImageBgr, Joint
from vision_svc.training.encoder_labels import held_out
from vision_svc.training.parser_cache import blur

Rows = npt.NDArray[np.float64]

LIMITS = (0.12, 0.18, 0.27, 0.38, 0.5)
_MAX_SIDE_PX, _LEAST_PX = 960, 60
_RIDGE, _ROUNDS = 3.0, 40
GARMENT = "garment"
# The ways in which people are seen, and their shares in all people.
_PARTS = {"whole": 0.4, "part": 0.3, "portrait": 0.3}
_CUTS = (Joint.LEFT_SHOULDER, Joint.LEFT_HIP, Joint.LEFT_KNEE)


@dataclass(frozen=True)
class Seen:
    """What was measured.

    Attributes:
        rows: float64 `(N, len(FEATURES))`: one for each picture in which somebody seemed to be.
        views: What each shows: `garment`, or how a person is seen in it.
        held_out: Which are on the side that is measured, bool `(N,)`.
        garments: How many photos of garments were looked at on that side.
    """

    rows: Rows
    views: npt.NDArray[np.str_]
    held_out: npt.NDArray[np.bool_]
    garments: int


def fit(rows: Rows, views: npt.NDArray[np.str_]) -> tuple[Rows, float]:
    """Fits a logistic regression by Newton's method, with a light ridge; people and garments weigh alike.

    Args:
        rows: float64 `(N, K)`.
        views: As of `Seen`.

    Returns:
        The weights, float64 `(K,)`, and the constant.
    """
    person = views != GARMENT
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    scaled = np.column_stack([(rows - mean) / spread, np.ones(len(rows))])
    share = _shares(views) * len(rows)
    ridge = np.diag([_RIDGE] * rows.shape[1] + [1e-6])
    weights = np.zeros(scaled.shape[1])
    for _ in range(_ROUNDS):
        chance = _chance(scaled @ weights)
        slope = scaled.T @ (share * (chance - person)) + ridge @ weights
        weights -= np.linalg.solve((scaled.T * (share * chance * (1 - chance))) @ scaled + ridge, slope)
    return weights[:-1] / spread, float(weights[-1] - (weights[:-1] / spread) @ mean)


def report(seen: Seen) -> str:
    """Fits on one side and measures on the other."""
    weights, constant = fit(seen.rows[~seen.held_out], seen.views[~seen.held_out])
    chance, views = _chance(seen.rows[seen.held_out] @ weights + constant), seen.views[seen.held_out]
    lines = [", ".join(f"{name} {weight:.3f}" for name, weight in zip(FEATURES, weights, strict=True))]
    lines.append(f"constant {constant:.3f}")
    for limit in LIMITS:
        taken = int((chance[views == GARMENT] >= limit).sum())
        lost = (f"{(chance[views == view] < limit).sum()} of {(views == view).sum()} {view}" for view in _PARTS)
        lines.append(f"from {limit:.2f}: {taken} of {seen.garments} garments taken; lost {', '.join(lost)}")
    return "\n".join(lines)


def collect(garments: Path, people: Path, portraits: Path | None, models_dir: Path) -> Seen:
    """Looks at all photos."""
    finder, faces = PersonFinder.load(models_dir), FaceDetector.load(models_dir)
    parser = TrainedParser(finder, ParseNet.load())
    found: list[tuple[Rows, str, bool]] = []
    count = 0
    with (garments / "labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            measured = held_out(row["sender_id"])
            count += measured
            image = decode_bgr((garments / row["file"]).read_bytes(), max_side_px=_MAX_SIDE_PX)
            found += [(evidence, GARMENT, measured) for evidence in _look(finder, parser, image)]
    for folder in filter(None, (people, portraits)):
        for path in sorted(folder.glob("*.jpg")):
            image = decode_bgr(path.read_bytes(), max_side_px=_MAX_SIDE_PX)
            for name, view in _views(image, finder, faces) if folder == people else [("portrait", image)]:
                found += [(evidence, name, held_out(path.name)) for evidence in _look(finder, parser, view)]
    rows, views, side = zip(*found, strict=True)
    return Seen(np.stack(rows), np.array(views), np.array(side), count)


def _look(finder: PersonFinder, parser: TrainedParser, image_bgr: ImageBgr) -> list[Rows]:
    """Measures who is found first; empty where nobody is."""
    return [parser.measure(image_bgr, person).astype(np.float64) for person in finder.find(image_bgr, 1)]


def _views(image_bgr: ImageBgr, finder: PersonFinder, faces: FaceDetector) -> Iterator[tuple[str, ImageBgr]]:
    """Yields a photo in all the ways in which people are photographed, each with its name."""
    hidden = blur(image_bgr, [face.box_xyxy for face in faces.detect(image_bgr)])
    yield "whole", image_bgr
    yield "whole", hidden
    for pose in finder.poses(image_bgr, 1):
        shoulder, hip, knee = (int(pose.joints_xyz[joint, 1]) for joint in _CUTS)
        for first, last in ((0, knee), (0, hip), (shoulder, len(hidden))):
            part = hidden[max(first, 0) : max(last, 0)]
            if len(part) >= _LEAST_PX:
                yield "part", np.ascontiguousarray(part)


def _shares(views: npt.NDArray[np.str_]) -> Rows:
    """Returns the weight of each picture: half of all for garments, and half for people, in the shares of `_PARTS`."""
    shares = {GARMENT: 0.5, **{view: 0.5 * share for view, share in _PARTS.items()}}
    counts = {view: int((views == view).sum()) for view in shares}
    return np.array([shares[view] / counts[view] for view in views])


def _chance(logits: Rows) -> Rows:
    chances: Rows = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return chances


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--garments", type=Path, required=True, help="folder with labels.csv and photos of garments")
    parser.add_argument("--people", type=Path, required=True, help="folder with photos of whole people")
    parser.add_argument("--portraits", type=Path, help="folder with photos of heads and shoulders")
    parser.add_argument("--models", type=Path, default=Path("models"), help="models folder (default: ./models)")
    arguments = parser.parse_args()
    seen = collect(arguments.garments, arguments.people, arguments.portraits, arguments.models)
    sys.stdout.write(report(seen) + "\n")


if __name__ == "__main__":
    main()
