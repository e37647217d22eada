"""What a teacher says of augmented garments: `python -m vision_svc.training.encoder_lessons`.

The teacher is five times as slow as its pupil. So it looks at each view once, and `encoder --lessons` goes through the
views many times. Several files with other seeds can be made at the same time and given together.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from vision_svc.training.encoder_augment import Augmenter, Batch
from vision_svc.training.encoder_data import Samples, load_cache
from vision_svc.training.encoder_teacher import TEACHER_PX, Teacher, load_teacher

SIDE_PX = 96
_BATCH = 64
_REPORT_BATCHES = 20


@dataclass(frozen=True)
class Lessons:
    """Views of garments in pairs (`P` of them: the same garment twice) and what the teacher says of each.

    Attributes:
        planes: int8 `(P, 2, 4, 96, 96)`, the network's input times 127.
        kinds: bool `(P, len(KINDS))`: the kinds that the label allows.
        patterns: int64 `(P, 2)`, -1 where unknown; a print may have been drawn on one view only.
        logits: float16 `(P, 2, len(KINDS))`.
        feature: float16 `(P, 2, D)`.
    """

    planes: npt.NDArray[np.int8]
    kinds: npt.NDArray[np.bool_]
    patterns: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float16]
    feature: npt.NDArray[np.float16]

    def batch(
        self, size: int, rng: np.random.Generator
    ) -> tuple[Batch, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Draws `size / 2` pairs, as `Augmenter.batch` does, half of them mirrored.

        Returns:
            The batch, and the teacher's logits `(size, len(KINDS))` and features `(size, D)`.
        """
        rows = rng.integers(0, len(self.planes), size // 2)
        planes = np.concatenate([self.planes[rows, 0], self.planes[rows, 1]]).astype(np.float32) / np.float32(127)
        mirrored = rng.random(size) < 0.5
        planes[mirrored] = planes[mirrored, :, :, ::-1]
        kinds = np.concatenate([self.kinds[rows]] * 2)
        patterns, logits, feature = (
            np.concatenate([one[rows, 0], one[rows, 1]]) for one in (self.patterns, self.logits, self.feature)
        )
        return Batch(planes, kinds, patterns), logits.astype(np.float32), feature.astype(np.float32)


def load_lessons(paths: Sequence[Path]) -> Lessons:
    """Reads files of `main` as one."""
    parts: list[dict[str, npt.NDArray[np.generic]]] = []
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            parts.append({name: file[name] for name in file.files})
    return Lessons(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def teach(samples: Samples, teacher: Teacher, batches: int, seed: int) -> Lessons:
    """Lets the teacher look at `batches` times 32 pairs of views."""
    augment = Augmenter(samples, seed)
    drawn = [_lesson(augment.batch(_BATCH, TEACHER_PX), teacher, number, batches) for number in range(batches)]
    return Lessons(*(np.concatenate(column) for column in zip(*drawn, strict=True)))


def _lesson(batch: Batch, teacher: Teacher, number: int, batches: int) -> tuple[npt.NDArray[np.generic], ...]:
    device = teacher.kinds.weight.device
    inputs = torch.from_numpy(batch.inputs).to(device, memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        said = teacher.outputs(inputs)
    small = functional.interpolate(inputs, (SIDE_PX, SIDE_PX), mode="bilinear", antialias=True)
    planes = (small.clamp(-1, 1) * 127).round().to(torch.int8).cpu().numpy()
    if (number + 1) % _REPORT_BATCHES == 0:
        sys.stderr.write(f"{number + 1} of {batches} batches\n")
    half = len(planes) // 2
    columns = planes, batch.patterns, _half(said.kinds), _half(said.feature)
    planes, patterns, logits, feature = (np.stack([one[:half], one[half:]], axis=1) for one in columns)
    return planes, batch.kinds[:half], patterns, logits, feature


def _half(values: torch.Tensor) -> npt.NDArray[np.float16]:
    return values.float().cpu().numpy().astype(np.float16)


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="samples, as vision_svc.training.encoder keeps them")
    parser.add_argument("--teacher", type=Path, required=True, help="weights by vision_svc.training.encoder_teacher")
    parser.add_argument("--out", type=Path, required=True, help="file to write (.npz)")
    parser.add_argument("--batches", type=int, default=400, help="of 32 pairs (default 400: 2.3 GB of memory)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    teacher = load_teacher(arguments.teacher, arguments.device)
    lessons = teach(load_cache(arguments.cache), teacher, arguments.batches, arguments.seed)
    np.savez(arguments.out, **vars(lessons))


if __name__ == "__main__":
    main()
