"""Judges the clips of `keyframes.py` as a stream does, and counts what was found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench._keyframes_camera import Clip
from imaging.decode import check
from ingest_svc.streams.darkroom import decoded_thumbnail
from ingest_svc.streams.keyframes import KeyframeConfig, KeyframeMode, KeyframeSelector

MODES = {"color": KeyframeMode.COLOR, "luma": KeyframeMode.LUMA}
TOLERANCE_S = 0.5
_NS = 1e9
_NEVER_S = 600.0


@dataclass(frozen=True)
class Run:
    """One clip in one mode: keyframes after the first in seconds from its start, CPU, and frames looked at."""

    keys_s: list[float]
    cpu_s: float
    looked_at: int


def judged(jpegs: Sequence[bytes], times_ns: Sequence[int], mode: str) -> Run:
    """Runs a clip through a selector; frames inside the minimum interval are not decoded."""
    selector = KeyframeSelector(KeyframeConfig(mode=MODES[mode], max_interval_s=_NEVER_S))
    keys_ns, looked_at, before = [], 0, time.process_time()
    for jpeg, time_ns in zip(jpegs, times_ns, strict=True):
        if selector.is_due(time_ns):
            looked_at += 1
            picture = decoded_thumbnail(jpeg, check(jpeg), color=selector.sees_color)
            if selector.judge(picture, time_ns).is_key:
                keys_ns.append(time_ns)
    cpu_s = time.process_time() - before
    return Run([(key - times_ns[0]) / _NS for key in keys_ns[1:]], cpu_s, looked_at)


def matched(clip: Clip, keys_s: Sequence[float]) -> tuple[int, int]:
    """How many changes were found, and how many keyframes are none of them."""
    left, found = list(keys_s), 0
    for begin, end in clip.changes_s:
        hit = next((key for key in left if begin - 1e-6 <= key <= end + TOLERANCE_S), None)
        if hit is not None:
            left.remove(hit)
            found += 1
    return found, len(left)


@dataclass
class Score:
    """What came of the clips of one group."""

    changes: int = 0
    found: int = 0
    false: int = 0
    minutes: float = 0.0
    cpu_s: float = 0.0
    frames: int = 0
    looked_at: int = 0
    wrong: Counter[str] = field(default_factory=Counter)

    def add(self, clip: Clip, run: Run) -> None:
        found, false = matched(clip, run.keys_s)
        self.changes += len(clip.changes_s)
        self.found += found
        self.false += false
        self.minutes += (clip.times_ns[-1] - clip.times_ns[0]) / 60 / _NS
        self.cpu_s += run.cpu_s
        self.frames += len(clip.jpegs)
        self.looked_at += run.looked_at
        if wrong := len(clip.changes_s) - found + false:
            self.wrong[clip.kind] += wrong

    @property
    def recall(self) -> float:
        return self.found / self.changes if self.changes else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    @property
    def false_per_min(self) -> float:
        return self.false / self.minutes if self.minutes else 0.0

    def cpu_us(self) -> float:
        """CPU per frame of the stream, looked at or not, microseconds."""
        return self.cpu_s / max(self.frames, 1) * 1e6

    @staticmethod
    def total(scores: Iterable[Score]) -> Score:
        """What all together cost: frames, looks and CPU."""
        every = list(scores)
        return Score(
            cpu_s=sum(score.cpu_s for score in every),
            frames=sum(score.frames for score in every),
            looked_at=sum(score.looked_at for score in every),
        )

    def as_dict(self) -> dict[str, object]:
        figures: dict[str, object] = {
            "false_per_min": round(self.false_per_min, 2), "minutes": round(self.minutes, 1),
            "cpu_us": round(self.cpu_us(), 1), "looked_at": round(self.looked_at / max(self.frames, 1), 3),
        }  # fmt: skip
        if self.changes:
            figures |= {
                "changes": self.changes, "recall": round(self.recall, 3), "precision": round(self.precision, 3),
            }  # fmt: skip
        return {**figures, "wrong_by_kind": dict(self.wrong)}
