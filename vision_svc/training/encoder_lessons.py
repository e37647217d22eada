"""What a teacher says of augmented garments: `python -m vision_svc.training.encoder_lessons`.

The teacher is five times as slow as its pupil. So it looks at each view once, and `encoder --lessons` goes through the
views many times. Several files with other seeds can be made at the same time and given together.

Of its few training photos a teacher knows the answers by heart, so there is little more in what it says of them than
in their labels. What it has learnt elsewhere shows between the photos: `--views blended` are garments mixed with or cut
into each other (Beyer et al. 2022), and `--views anywhere` pieces of whatever photos there are, half of them in the
outline of a garment. No label fits those, and none is used.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from vision_svc.training.encoder_augment import Augmenter, Batch
from vision_svc.training.encoder_data import load_cache
from vision_svc.training.encoder_mixes import Anywhere, Blends
from vision_svc.training.encoder_teacher import Panel, load_teacher

SIDE_PX = 96
_BATCH = 64
_REPORT_BATCHES = 20
# How often a batch is drawn from the views that their labels fit, where there are others too.
_LABELLED_SHARE = 0.5


class Lesson(NamedTuple):
    """One batch of `N` views, and what the teacher says of them.

    Attributes:
        batch: The views; its kinds and patterns mean something only when `labelled`.
        logits: float32 `(N, len(KINDS))`.
        feature: float32 `(N, D)`, less the mean over all lessons.
        labelled: Whether the views show what their labels say.
    """

    batch: Batch
    logits: npt.NDArray[np.float32]
    feature: npt.NDArray[np.float32]
    labelled: bool


@dataclass(frozen=True)
class Lessons:
    """Views of garments in pairs (`P` of them: the same garment twice) and what the teacher says of each.

    Attributes:
        planes: int8 `(P, 2, 4, 96, 96)`, the network's input times 127.
        kinds: bool `(P, len(KINDS))`: the kinds that the label allows.
        patterns: int64 `(P, 2)`, -1 where unknown; a print may have been drawn on one view only.
        logits: float16 `(P, 2, len(KINDS))`.
        feature: float16 `(P, 2, D)`.
        labelled: bool `(P,)`: whether the views show what the label says.
    """

    planes: npt.NDArray[np.int8]
    kinds: npt.NDArray[np.bool_]
    patterns: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float16]
    feature: npt.NDArray[np.float16]
    labelled: npt.NDArray[np.bool_]

    @cached_property
    def mean(self) -> npt.NDArray[np.float32]:
        """The mean of what the teacher feels, `(D,)`."""
        mean: npt.NDArray[np.float32] = np.mean(self.feature, axis=(0, 1), dtype=np.float32)
        return mean

    @cached_property
    def _groups(self) -> dict[bool, npt.NDArray[np.intp]]:
        """Where the labelled pairs are and where the others; only groups that have any."""
        groups = {labelled: np.flatnonzero(self.labelled == labelled) for labelled in (True, False)}
        return {labelled: rows for labelled, rows in groups.items() if rows.size}

    def batch(self, size: int, rng: np.random.Generator) -> Lesson:
        """Draws `size / 2` pairs, as `Augmenter.batch` does, half of them mirrored: all with labels or all without."""
        labelled = bool(rng.random() < _LABELLED_SHARE) if len(self._groups) == 2 else next(iter(self._groups))
        rows = rng.choice(self._groups[labelled], size // 2)
        planes = np.concatenate([self.planes[rows, 0], self.planes[rows, 1]]).astype(np.float32) / np.float32(127)
        mirrored = rng.random(size) < 0.5
        planes[mirrored] = planes[mirrored, :, :, ::-1]
        kinds = np.concatenate([self.kinds[rows]] * 2)
        patterns, logits, feature = (
            np.concatenate([one[rows, 0], one[rows, 1]]) for one in (self.patterns, self.logits, self.feature)
        )
        felt = feature.astype(np.float32) - self.mean
        return Lesson(Batch(planes, kinds, patterns), logits.astype(np.float32), felt, labelled)


def load_lessons(paths: Sequence[Path]) -> Lessons:
    """Reads files of `main` as one."""
    parts: list[dict[str, npt.NDArray[np.generic]]] = []
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            parts.append({name: file[name] for name in file.files})
    return Lessons(**{name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])})


def teach(views: Callable[[], Batch], panel: Panel, batches: int, *, labelled: bool) -> Lessons:
    """Lets the teacher look at `batches` batches of views.

    Args:
        views: Draws a batch: its first half and its second half make the pairs.
        panel: Looks.
        batches: How many.
        labelled: Whether the views show what their labels say.
    """
    drawn = [_lesson(views(), panel, number, batches, labelled=labelled) for number in range(batches)]
    return Lessons(*(np.concatenate(column) for column in zip(*drawn, strict=True)))


def _lesson(
    batch: Batch, panel: Panel, number: int, batches: int, *, labelled: bool
) -> tuple[npt.NDArray[np.generic], ...]:
    inputs = torch.from_numpy(batch.inputs).to(panel.device, memory_format=torch.channels_last)
    with torch.autocast(panel.device.type, torch.bfloat16):
        said = panel.outputs(inputs)
    small = functional.interpolate(inputs, (SIDE_PX, SIDE_PX), mode="bilinear", antialias=True)
    planes = (small.clamp(-1, 1) * 127).round().to(torch.int8).cpu().numpy()
    if (number + 1) % _REPORT_BATCHES == 0:
        sys.stderr.write(f"{number + 1} of {batches} batches\n")
    half = len(planes) // 2
    columns = planes, batch.patterns, _half(said.kinds), _half(said.feature)
    planes, patterns, logits, feature = (np.stack([one[:half], one[half:]], axis=1) for one in columns)
    return planes, batch.kinds[:half], patterns, logits, feature, np.full(half, labelled)


def _half(values: torch.Tensor) -> npt.NDArray[np.float16]:
    return values.float().cpu().numpy().astype(np.float16)


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="samples, as vision_svc.training.encoder keeps them")
    parser.add_argument(
        "--teacher", type=Path, nargs="+", required=True, help="weights by vision_svc.training.encoder_teacher"
    )
    parser.add_argument("--share", type=float, nargs="+", default=[1.0], help="how much each teacher counts")
    parser.add_argument("--out", type=Path, required=True, help="file to write (.npz)")
    parser.add_argument("--views", choices=("garments", "blended", "anywhere"), default="garments")
    parser.add_argument("--photos", type=Path, nargs="+", default=[], help="folders of photos, for --views anywhere")
    parser.add_argument("--batches", type=int, default=400, help="of 32 pairs (default 400: 2.3 GB of memory)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    samples, seed = load_cache(arguments.cache), arguments.seed
    panel = Panel([load_teacher(path, arguments.device) for path in arguments.teacher], arguments.share)
    draw: dict[str, Callable[[], Callable[[], Batch]]] = {
        "garments": lambda: partial(Augmenter(samples, seed).batch, _BATCH, panel.side_px),
        "blended": lambda: partial(Blends(samples, seed).batch, _BATCH, panel.side_px),
        "anywhere": lambda: partial(Anywhere(samples, arguments.photos, seed).batch, _BATCH, panel.side_px),
    }
    lessons = teach(draw[arguments.views](), panel, arguments.batches, labelled=arguments.views == "garments")
    np.savez(arguments.out, **{field.name: getattr(lessons, field.name) for field in fields(lessons)})


if __name__ == "__main__":
    main()
