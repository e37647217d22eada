"""When two pictures show one garment: how often `profile_svc/taste/wearing.py` is right, and which limit to take.

    python bench/wearing.py [--people DIR] [--pairs DIR] [--gallery DIR] [--photos N] [--quick]

--people holds street photos `NAME.jpg`: each is looked at as it is and photographed again (cropped, turned, relit,
JPEG; `fit_descriptor.distort`), by the models that this checkout ships. --pairs holds photos of one person in one
outfit, `NAME_a_*.jpg` beside `NAME_b_*.jpg`. The same garment is what fills the same bucket in both; different garments
are those of one bucket in photos of different people. --gallery holds `labels.csv` and photos as in `garments_train`:
lone garments, of contributors that no encoder was trained on; there only the vectors are compared.

It prints how many of each are taken for one by limit, with bucket, category and colours as they are, and takes the
highest limit whose difference (same minus different) is within half a point of the best. Two figures stand beside:
garments that were found in one of the two photos only, which count twice unless they are known under another bucket (a
skirt that is a dress in the other photo), and different garments of two such buckets. The last line is one JSON object.
Enter the limit in `LIKE_VECTORS` under the id of the model, and raise `RULES` in `profile_svc/taste/state.py`.
"""

import argparse
import asyncio
import csv
import itertools
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

if sys.path and Path(sys.path[0]).name == "bench":
    sys.path.pop(0)  # this folder: `mesh.py` in it would hide the package `mesh`

import cv2
import numpy as np
from vitrine.profile.v1 import profile_service_pb2

from imaging.decode import DecodeLimits, decode_bgr, encode_jpeg
from profile_svc.servicers.sighting_input import SightingReader
from profile_svc.taste import wearing
from profile_svc.taste.evidence import SeenEmbedding, SeenGarment
from profile_svc.taste.wearing import LIKE_VECTORS, LIKE_VECTORS_OF_OTHERS, Occasion
from vision_svc.garments.analysis import AnalysisOptions, GarmentAnalysis
from vision_svc.garments.encoder import HAND_MADE
from vision_svc.garments.fashion import FASHION, FashionEmbedder
from vision_svc.garments.foreground import cut_out
from vision_svc.models.latency import LatencyRecorder
from vision_svc.registration import make_registry
from vision_svc.servicers.convert import ALL_PARTS, analysis_message
from vision_svc.settings import VisionSettings
from vision_svc.training.fit_descriptor import distort

Embedder = Literal["trained", "hand-made"]

_LIMITS = tuple(round(0.30 + 0.01 * step, 2) for step in range(66))  # 0.30-0.95
_PLATEAU = 0.005
_MOST_OTHERS = 20_000  # pairs of different garments; more say nothing new
_LONG_SIDE_PX = 640  # what ingest sends
_MODELS: dict[Embedder, str] = {"trained": FASHION, "hand-made": HAND_MADE}
_HELD_OUT = 5  # one contributor in five, as the trainings hold out

Wardrobe = dict[str, SeenGarment]


@dataclass
class Pairs:
    """How like garments are, by `wearing.likeness`; -1 where something else than vectors keeps them apart.

    Attributes:
        same: A garment and itself, photographed again.
        different: Two garments of one bucket.
        alone: A garment that the other photo shows nothing of its bucket beside, and what is likest there.
        crossed: Two garments of buckets that are mistaken for one another.
    """

    same: list[float] = field(default_factory=list)
    different: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    crossed: list[float] = field(default_factory=list)

    def add(self, other: "Pairs") -> None:
        """Adds what another comparison found."""
        for name in ("same", "different", "alone", "crossed"):
            getattr(self, name).extend(getattr(other, name))


def share_above(cosines: Sequence[float], limit: float) -> float:
    """Returns how many of the pairs are taken for one, 0-1."""
    return float((np.asarray(cosines) >= limit).mean()) if len(cosines) else 0.0


def choose(pairs: Pairs) -> float:
    """Returns the highest limit at which same minus different is within half a point of the best."""
    gains = {limit: share_above(pairs.same, limit) - share_above(pairs.different, limit) for limit in _LIMITS}
    best = max(gains.values())
    return max(limit for limit, gain in gains.items() if gain >= best - _PLATEAU)


def likeness(first: SeenGarment, second: SeenGarment) -> float:
    """Returns what is held against the limit; -1 where something else decides."""
    return wearing.likeness(wearing.worn_of(first, Occasion("first", 0.0)), second)


def compare(same: Iterable[tuple[Wardrobe, Wardrobe]], people: Sequence[Wardrobe]) -> Pairs:
    """Pairs garments by bucket: within two photos of one outfit, and across photos of different people."""
    pairs = Pairs()
    for first, second in same:
        pairs.same += [likeness(first[bucket], second[bucket]) for bucket in sorted(first.keys() & second.keys())]
        for one, other in ((first, second), (second, first)):
            for bucket in sorted(one.keys() - other.keys()):
                pairs.alone.append(max((likeness(one[bucket], there) for there in other.values()), default=-1.0))
    for one, other in itertools.islice(itertools.combinations(people, 2), _MOST_OTHERS):
        pairs.different += [likeness(one[bucket], other[bucket]) for bucket in sorted(one.keys() & other.keys())]
        pairs.crossed += [
            likeness(one[a], other[b]) for a in one for b in other if frozenset({a, b}) in wearing.MISTAKEN_BUCKETS
        ]
    return pairs


class Eye:
    """The garments of a picture, as the profile is told of them by the shipped models."""

    def __init__(self, models: Path, embedder: Embedder) -> None:
        registry = make_registry(VisionSettings(models_dir=models, garment_embedder=embedder), LatencyRecorder())
        registry.load_selected()
        self._analysis = GarmentAnalysis(registry, _at_once, limits=DecodeLimits(), max_side_px=_LONG_SIDE_PX)

    def look(self, image_bgr: Any) -> Wardrobe:  # noqa: ANN401 - uint8 (H, W, 3)
        """Returns the garments by bucket; the surest where there are several."""
        data = encode_jpeg(image_bgr, quality=82)
        seen = analysis_message(asyncio.run(self._analysis.analyze(data, AnalysisOptions())), ALL_PARTS)
        if not seen.garments:
            return {}
        sighting = SightingReader().read(profile_service_pb2.OutfitSighting(garments=seen.garments))
        return {garment.bucket: garment for garment in sorted(sighting.garments, key=lambda garment: garment.score)}


async def _at_once(fn: Callable[..., Any], /, *args: Any) -> Any:  # noqa: ANN401 - those of `fn`
    return fn(*args)


def on_people(eye: Eye, folder: Path, count: int) -> Pairs:
    paths = [path for path in sorted(folder.glob("*.jpg")) if "_mask" not in path.stem][:count]
    same, plain = [], []
    for number, path in enumerate(paths):
        image = decode_bgr(path.read_bytes(), max_side_px=_LONG_SIDE_PX)
        first = eye.look(image)
        plain.append(first)
        same.append((first, eye.look(distort(image, np.random.default_rng(number)))))
    return compare(same, plain)


def on_outfit_pairs(eye: Eye, folder: Path) -> Pairs:
    by_name: dict[str, list[Wardrobe]] = {}
    for path in sorted(folder.glob("*.jpg")):
        image = decode_bgr(path.read_bytes(), max_side_px=_LONG_SIDE_PX)
        by_name.setdefault(path.stem.split("_")[0], []).append(eye.look(image))
    outfits = [both for both in by_name.values() if len(both) == 2]
    return compare([(first, second) for first, second in outfits], [first for first, _ in outfits])


def on_gallery(folder: Path, count: int) -> Pairs:
    """Lone garments: the same label for two different ones; colours are not compared."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if zlib.crc32(row["sender_id"].encode()) % _HELD_OUT == 0]
    embedder, views, labels = FashionEmbedder(), [], []
    for number, row in enumerate(rows[:: max(1, len(rows) // count)]):
        image = decode_bgr((folder / row["file"]).read_bytes(), max_side_px=400)
        again = distort(image, np.random.default_rng(number))
        views += [cut_out(image).view, cut_out(again).view]
        labels.append(row["label"])
    vectors = [SeenEmbedding(FASHION, np.asarray(vector, np.float32)) for vector in embedder.infer(views)]
    pairs = Pairs([wearing.cosine(*vectors[at : at + 2]) for at in range(0, len(vectors), 2)])
    for one, other in itertools.combinations(range(len(labels)), 2):
        if labels[one] == labels[other]:
            pairs.different.append(wearing.cosine(vectors[2 * one], vectors[2 * other]))
    return pairs


def report(name: str, pairs: Pairs, now: float) -> dict[str, object]:
    """Prints a table and returns its figures."""
    print(f"{name}: {len(pairs.same)} times the same garment, {len(pairs.different)} times two of a bucket")
    suggested = choose(pairs)
    for limit in sorted({*_LIMITS[::5], now, suggested}):
        marks = [word for word, at in (("now", now), ("suggested", suggested)) if at == limit]
        same, different = share_above(pairs.same, limit), share_above(pairs.different, limit)
        print(f"  limit {limit:.2f}: same {same:6.1%}, different {different:6.1%}  {', '.join(marks)}")
    known, taken = share_above(pairs.alone, now), share_above(pairs.crossed, now)
    if pairs.alone or pairs.crossed:
        print(f"  now: of {len(pairs.alone)} found in one of two photos only {known:.1%} are known by another bucket")
        print(f"  now: of {len(pairs.crossed)} different ones of two such buckets {taken:.2%} are taken for one")
    return {
        "pairs": [len(pairs.same), len(pairs.different)],
        "suggested": suggested,
        "at_suggested": [round(share_above(part, suggested), 4) for part in (pairs.same, pairs.different)],
        "at_now": [round(share_above(part, now), 4) for part in (pairs.same, pairs.different)],
        "alone": [len(pairs.alone), round(known, 4)],
        "crossed": [len(pairs.crossed), round(taken, 5)],
    }


def main() -> int:
    options = argparse.ArgumentParser(description="When two pictures show one garment.")
    options.add_argument("--people", type=Path, help="folder with street photos")
    options.add_argument("--pairs", type=Path, help="folder with NAME_a_*.jpg and NAME_b_*.jpg of one outfit")
    options.add_argument("--gallery", type=Path, help="folder with labels.csv and images/")
    options.add_argument("--photos", type=int, default=60, help="photos of --people at most (60 take a minute)")
    options.add_argument("--quick", action="store_true", help="at most 20 of these photos (20 s with all folders)")
    options.add_argument("--models", type=Path, default=Path("models"), help="models folder (default: ./models)")
    options.add_argument("--embedder", choices=tuple(_MODELS), default="trained", help="what makes vectors")
    arguments = options.parse_args()
    photos = min(arguments.photos, 20) if arguments.quick else arguments.photos
    cv2.setNumThreads(1)
    model = _MODELS[arguments.embedder]
    now = LIKE_VECTORS.get(model, LIKE_VECTORS_OF_OTHERS)
    figures: dict[str, object] = {"bench": "wearing", "model": model, "now": now}
    worn = Pairs()
    if arguments.people or arguments.pairs:
        eye = Eye(arguments.models, arguments.embedder)
        if arguments.people:
            worn.add(on_people(eye, arguments.people, photos))
        if arguments.pairs:
            worn.add(on_outfit_pairs(eye, arguments.pairs))
        figures["worn"] = report("worn", worn, now)
    if arguments.gallery and model == FASHION:  # its own network is asked, without a garment's place in a photo
        figures["lone"] = report("lone", on_gallery(arguments.gallery, 4 * photos), now)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
