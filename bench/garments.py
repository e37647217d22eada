"""Quality of what is seen in pictures: garments found, and (with a gallery) garments recognised.

    python bench/garments.py [--people DIR] [--gallery DIR] [--queries DIR] [--held-out] [--clip ID] [--quick]

--people holds street photos `NAME.jpg` with masks `NAME_mask.png` (one label a pixel) and `ccp_labels.json` (names of
the labels, and the groups they fall into), as in the Clothing Co-Parsing set: intersection over union of the trained
parser, with sharp and with blurred faces, and of the geometric one beside it; colours and their names against the
truth of the masks (`manifest.json`, if it is there), and patterns of drawn garments. Without it only the CPU time on a
photograph of scikit-image is measured, at most 120 ms.

--gallery and --queries hold `labels.csv` and photos as in `garments_train`: kinds told apart, retrieval by kind, a
distorted photo found again, words, time; HOG with logistic regression, a colour histogram and `hand-made/1` beside it;
and how often the parser sees somebody in the gallery's photos, in which nobody is (at most 2 %).
Without --queries, each photo of the gallery asks for the others. `--held-out` keeps the contributors that the shipped
weights never saw, for a folder that they were trained on.

The last line is one JSON object; the exit status is 1 where a stated target is missed.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.pop(0)  # this folder: `mesh.py` in it would hide the package `mesh`

import cv2
import numpy as np
import skimage.data

from bench import _attributes, _encoder, _parser
from bench._encoder_worn import on_worn
from bench._invented import on_lone_garments
from vision_svc.garments.parse_trained import MODEL_ID, TrainedParser

Section = Callable[[argparse.Namespace], tuple[dict[str, object], list[str]]]


def on_astronaut(arguments: argparse.Namespace) -> tuple[dict[str, object], list[str]]:
    parser = TrainedParser.load(arguments.models)
    image = skimage.data.astronaut()[:, :, ::-1].copy()
    times = []
    for _ in range(10):
        start = time.process_time()
        parser.parse(image)
        times.append(1000 * (time.process_time() - start))
    cpu_ms = round(float(np.median(times)), 1)
    missed = ["astronaut_cpu_ms"] if cpu_ms > _parser.MAX_CPU_MS else []
    return {"parser": MODEL_ID, "astronaut_cpu_ms": cpu_ms}, missed


def on_people(arguments: argparse.Namespace) -> tuple[dict[str, object], list[str]]:
    if not arguments.people:
        return {}, []
    figures, missed = _parser.on_people(arguments.people, arguments.models, quick=arguments.quick)
    return {"people": figures}, missed


def on_attributes(arguments: argparse.Namespace) -> tuple[dict[str, object], list[str]]:
    if not arguments.people:
        return {}, []
    figures, missed = _attributes.on_attributes(arguments.people, arguments.models, quick=arguments.quick)
    return {"attributes": figures}, missed


def on_gallery(arguments: argparse.Namespace) -> tuple[dict[str, object], list[str]]:
    worn: dict[str, object] = {"worn": on_worn(arguments.people)} if arguments.people else {}
    if not arguments.gallery:
        return worn, []
    figures, missed = _encoder.measure(
        arguments.gallery, arguments.queries, held_out_only=arguments.held_out, clip=arguments.clip
    )
    lone, invented = on_lone_garments(
        arguments.gallery, arguments.models, held_out_only=arguments.held_out, quick=arguments.quick
    )
    return worn | {"encoder": figures, "invented": lone}, missed + invented


# Each gives figures of its own names, and what missed its target.
SECTIONS: tuple[Section, ...] = (on_astronaut, on_people, on_attributes, on_gallery)


def main() -> int:
    options = argparse.ArgumentParser(description="Quality of what is seen in pictures.")
    options.add_argument("--people", type=Path, help="folder with photos, masks and ccp_labels.json")
    options.add_argument("--gallery", type=Path, help="folder with labels.csv and images/: what is searched in")
    options.add_argument("--queries", type=Path, help="folder with labels.csv and images/: what is searched for")
    options.add_argument(
        "--held-out", action="store_true", help="of gallery and queries only contributors that nothing was trained on"
    )
    options.add_argument("--clip", default="", help="hub id or folder of a CLIP class model to measure beside ours")
    options.add_argument("--models", type=Path, default=Path("models"), help="models folder (default: ./models)")
    options.add_argument("--quick", action="store_true", help=f"at most {_parser.QUICK_PHOTOS} photos (about 30 s)")
    arguments = options.parse_args()
    if arguments.people and not (arguments.people / "ccp_labels.json").is_file():
        options.error(f"--people: {arguments.people} has no ccp_labels.json")
    cv2.setNumThreads(1)
    figures: dict[str, object] = {"bench": "garments"}
    missed: list[str] = []
    for section in SECTIONS:
        own, failed = section(arguments)
        figures |= own
        missed += failed
    print(json.dumps(figures | {"missed": missed}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
