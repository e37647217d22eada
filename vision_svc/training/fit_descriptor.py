"""Fits the fixed numbers of `hand-made/1`: `python -m vision_svc.training.fit_descriptor --garments DIR`.

DIR holds `labels.csv` (columns file, label, sender_id) and the photos. One contributor in five is held out, and the
figures that it prints are on those: they are the ones in `docs/models.md`.
"""

import argparse
import csv
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from imaging.decode import decode_bgr
from vision_svc.garments import whitening
from vision_svc.garments.descriptor import BLOCKS, SIZES, describe
from vision_svc.garments.foreground import cut_out
from vision_svc.people.types import ImageBgr

Matrix = npt.NDArray[np.float64]

# Labels of the data set -> our categories; labels that are not here have too few photos.
LABELS = {
    "T-Shirt": "t-shirt", "Longsleeve": "longsleeve", "Pants": "trousers", "Shoes": "shoes", "Shirt": "shirt",
    "Dress": "dress", "Outwear": "outerwear", "Shorts": "shorts", "Hat": "hat", "Skirt": "skirt", "Polo": "polo",
    "Undershirt": "tank top", "Blazer": "blazer", "Hoodie": "hoodie",
}  # fmt: skip
_REGULARISE = 0.1
_LONG_SIDE_PX = 400


@dataclass(frozen=True)
class Measured:
    """Descriptors of photos: as they are, `(N, 256)`, and distorted, with category and side of the split."""

    plain: Matrix
    distorted: Matrix
    labels: npt.NDArray[np.str_]
    held_out: npt.NDArray[np.bool_]


def distort(image_bgr: ImageBgr, rng: np.random.Generator) -> ImageBgr:
    """Photographs a photo again: crop to 80-95 %, +-8 degrees, exposure, gamma, white balance, JPEG 40-80."""
    height, width = image_bgr.shape[:2]
    share = rng.uniform(0.8, 0.95)
    new_width, new_height = int(width * share), int(height * share)
    x, y = int(rng.integers(0, width - new_width + 1)), int(rng.integers(0, height - new_height + 1))
    crop = image_bgr[y : y + new_height, x : x + new_width]
    turn = cv2.getRotationMatrix2D((new_width / 2, new_height / 2), rng.uniform(-8, 8), 1)
    crop = cv2.warpAffine(crop, turn, (new_width, new_height), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
    tint = np.array([rng.uniform(0.94, 1.06), 1.0, rng.uniform(0.94, 1.06)])
    lit = (crop / 255.0) ** rng.uniform(0.8, 1.25) * rng.uniform(0.75, 1.2) * tint
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 80))]
    _, data = cv2.imencode(".jpg", np.clip(lit * 255, 0, 255).astype(np.uint8), quality)
    again: ImageBgr = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return again


def measure(folder: Path) -> Measured:
    """Measures all photos of a folder whose label we know."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in LABELS]
    plain, distorted = [], []
    for index, row in enumerate(rows):
        image = decode_bgr((folder / row["file"]).read_bytes(), max_side_px=_LONG_SIDE_PX)
        plain.append(describe(cut_out(image).view))
        distorted.append(describe(cut_out(distort(image, np.random.default_rng(index))).view))
    labels = np.array([LABELS[row["label"]] for row in rows])
    held_out = np.array([zlib.crc32(row["sender_id"].encode()) % 5 == 0 for row in rows])
    return Measured(np.stack(plain), np.stack(distorted), labels, held_out)


def fit(measured: Measured) -> whitening.Whitening:
    """Fits mean, rotations and category prototypes on what is not held out."""
    train = ~measured.held_out
    plain, distorted, labels = measured.plain[train], measured.distorted[train], measured.labels[train]
    mean = plain.mean(axis=0)
    rotations = tuple(_rotation(plain[:, block] - distorted[:, block]) for block in BLOCKS)
    bare = whitening.Whitening(mean, rotations, (), np.zeros((0, 1), np.float32))
    categories = tuple(sorted(set(LABELS.values())))
    shapes = np.concatenate([bare.block(plain[:, BLOCKS[index]], index) for index in (2, 3)], axis=1)
    prototypes = np.stack([_unit_blocks(shapes[labels == name].mean(axis=0)) for name in categories])
    return whitening.Whitening(mean, rotations, categories, prototypes.astype(np.float32))


def report(fitted: whitening.Whitening, measured: Measured) -> str:
    """Measures the fitted numbers on what is held out."""
    test = measured.held_out
    gallery, queries = fitted.vectors(measured.plain[test]), fitted.vectors(measured.distorted[test])
    labels = measured.labels[test]
    recall = float((np.argmax(queries @ gallery.T, axis=1) == np.arange(len(gallery))).mean())
    similarity = gallery @ gallery.T
    np.fill_diagonal(similarity, -2)
    top = labels[np.argsort(-similarity, axis=1)[:, :5]]
    by_word = []
    for name, shape in zip(fitted.categories, fitted.shapes, strict=True):
        tail = gallery[:, SIZES[0] + SIZES[1] :] @ shape
        by_word.append(float((labels[np.argsort(-tail)[:5]] == name).mean()))
    return (
        f"{len(gallery)} held-out photos: recall@1 of a distorted photo {recall:.3f}, category P@5 by picture "
        f"{float((top == labels[:, None]).mean()):.3f}, category P@5 by word {float(np.mean(by_word)):.3f}"
    )


def _rotation(differences: Matrix) -> Matrix:
    """Returns the matrix that makes the covariance of `differences` the identity, softly where they are tiny."""
    values, vectors = np.linalg.eigh(differences.T @ differences / (2 * len(differences)))
    rotation: Matrix = vectors / np.sqrt(values + _REGULARISE * values.mean())
    return rotation


def _unit_blocks(shape: Matrix) -> Matrix:
    """Scales the gradient and the shape part of a prototype to length 1 each."""
    split = SIZES[2]
    return np.concatenate([part / np.linalg.norm(part) for part in (shape[:split], shape[split:])])


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--garments", type=Path, required=True, help="folder with labels.csv and photos")
    parser.add_argument("--out", type=Path, default=whitening.WEIGHTS_FILE, help="file to write")
    arguments = parser.parse_args()
    measured = measure(arguments.garments)
    fitted = fit(measured)
    whitening.save(fitted, arguments.out)
    sys.stdout.write(report(whitening.load(arguments.out), measured) + "\n")


if __name__ == "__main__":
    main()
