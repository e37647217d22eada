"""Makes the weights of `fashion/3`: `python -m vision_svc.training.encoder_export --checkpoint FILE --garments DIR`.

Folds the normalisations of the trained network away, keeps float16, and fits the numbers of the space beside it on the
training side of the photos: the mean feature, rotations of colour and texture that make what an accident of the photo
changes (crop, turn, light, compression) count little, and one of the feature that makes what differs between garments
of one label count little.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file

from imaging.decode import decode_bgr
from vision_svc.garments.fashion import WEIGHTS_FILE, describe
from vision_svc.garments.fashion_input import FashionInput, fashion_input
from vision_svc.garments.fashion_space import MEASURED, SIZES
from vision_svc.garments.foreground import cut_out
from vision_svc.garments.kinds import KINDS, PATTERN_KINDS
from vision_svc.training.encoder_labels import PHOTO_LABELS, held_out
from vision_svc.training.encoder_net import EncoderNet
from vision_svc.training.fit_descriptor import distort
from vision_svc.training.folding import folded

Matrix = npt.NDArray[np.float64]

_LONG_SIDE_PX = 400
# How much of the mean variance softens the whitening.
_REGULARISE, _REGULARISE_LOOK = 0.1, 0.3
_NOT_SHIPPED = ("projection.", "instance.", "mimic.")
ABOUT = {
    "model": "fashion/3",
    "license": "Apache-2.0",
    "kinds": ",".join(KINDS),
    "patterns": ",".join(PATTERN_KINDS),
    "made_by": "vision_svc.training.encoder and encoder_export",
}


def export(checkpoint: Path, garments: Path, out: Path) -> None:
    """Writes the weights file.

    Args:
        checkpoint: As `vision_svc.training.encoder` writes it; its moving average is shipped.
        garments: Folder with `labels.csv` and photos.
        out: A `.safetensors` file.
    """
    net = EncoderNet()
    net.load_state_dict(torch.load(checkpoint, weights_only=True, map_location="cpu")["average"])
    arrays = {name: values for name, values in folded(net.eval()).items() if not name.startswith(_NOT_SHIPPED)}
    fitted = fit_space(net, garments)
    arrays |= {f"space.{name}": values.astype(np.float16) for name, values in fitted.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, out, metadata=ABOUT)


def fit_space(net: EncoderNet, garments: Path) -> dict[str, Matrix]:
    """Fits the numbers of `FashionSpace` on the contributors that are not held out."""
    pairs: dict[str, list[Matrix]] = {name: [] for name in MEASURED}
    labels = []
    for label, first, second in _pairs(garments):
        labels.append(label)
        described = [describe(one) for one in (first, second)]
        with torch.no_grad():
            features = net.features(torch.from_numpy(np.stack([first.planes, second.planes]))).numpy()
        pairs["look"].append(features.astype(np.float64))
        for name in described[0]:
            pairs[name].append(np.stack([one[name] for one in described]))
    fitted: dict[str, Matrix] = {}
    for name, values in pairs.items():
        stacked = np.stack(values)
        fitted[f"{name}_mean"] = stacked[:, 0].mean(axis=0)
        if name == "look":
            fitted["look_rotation"] = label_rotation(stacked, np.array(labels), SIZES["look"], _REGULARISE_LOOK)
        else:
            fitted[f"{name}_rotation"] = rotation(stacked, SIZES[name], _REGULARISE)
    return fitted


def _pairs(garments: Path) -> Iterator[tuple[str, FashionInput, FashionInput]]:
    """Yields training photos with their labels, as they are and photographed again."""
    with (garments / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in PHOTO_LABELS and not held_out(row["sender_id"])]
    for index, row in enumerate(rows):
        image = decode_bgr((garments / row["file"]).read_bytes(), max_side_px=_LONG_SIDE_PX)
        again = distort(image, np.random.default_rng(index))
        yield row["label"], fashion_input(cut_out(image).view), fashion_input(cut_out(again).view)


def rotation(pairs: Matrix, size: int, regularise: float) -> Matrix:
    """Finds the directions in which garments differ and two photos of one garment do not.

    Args:
        pairs: `(N, 2, D)`: measurements of N photos, and of the same photographed again.
        size: How many directions to keep.
        regularise: Softens the whitening where the two photos hardly differ, as a share of the mean variance.

    Returns:
        `(D, size)`.
    """
    differences = pairs[:, 0] - pairs[:, 1]
    whiten = _whitening(differences.T @ differences / (2 * len(differences)), regularise)
    _, main = np.linalg.eigh(np.cov((pairs[:, 0] @ whiten).T))
    return _scaled(whiten @ main[:, ::-1][:, :size])


def label_rotation(pairs: Matrix, labels: npt.NDArray[np.str_], size: int, regularise: float) -> Matrix:
    """Finds the directions in which garments differ and those of one label do not (Fisher's discriminants, softened).

    Each direction counts by how much wider all garments spread in it than those of one label. Keeping only the few that
    separate labels best would find kinds a little better, and the same garment again much worse.

    Args:
        pairs: As `rotation`.
        labels: `(N,)`.
        size: How many directions to keep.
        regularise: As `rotation`.

    Returns:
        `(D, size)`.
    """
    both = np.concatenate([pairs[:, 0], pairs[:, 1]])
    centred = both.copy()
    for label in np.unique(labels):
        inside = np.concatenate([labels == label] * 2)
        centred[inside] -= both[inside].mean(axis=0)
    whiten = _whitening(centred.T @ centred / len(centred), regularise)
    spread, main = np.linalg.eigh(np.cov((pairs[:, 0] @ whiten).T))
    return _scaled(whiten @ (main * np.sqrt(np.maximum(spread, 0)))[:, ::-1][:, :size])


def _whitening(covariance: Matrix, regularise: float) -> Matrix:
    values, vectors = np.linalg.eigh(covariance)
    whiten: Matrix = vectors / np.sqrt(values + regularise * values.mean())
    return whiten


def _scaled(rotation: Matrix) -> Matrix:
    found: Matrix = rotation / np.abs(rotation).max()  # its scale plays no part, and float16 has little room
    return found


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="written by vision_svc.training.encoder")
    parser.add_argument("--garments", type=Path, required=True, help="folder with labels.csv and photos")
    parser.add_argument("--out", type=Path, default=WEIGHTS_FILE, help="file to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    export(arguments.checkpoint, arguments.garments, arguments.out)
    sys.stdout.write(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main()
