"""Why a frame ended otherwise in a replay than in its recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vitrine.sdk.plans import Plan
from vitrine.sdk.recording_session import RecordedSession

TOLERANCE_S = 0.5
# What of a frame's end depends on how busy mesh and network were.
_BY_LOAD = ("superseded", "late", "pending", "")
AFTER_LATE = "follows from frames that were late in one of the two"


@dataclass(slots=True)
class Reasons:
    """Follows the numbers of a recording through its replay, and says why they ended otherwise.

    Attributes:
        recorded: The recording.
        replayed: What the replay was recorded as.
        plan: What the replay sent.
        same_pictures: Whether its pictures were the recorded ones.
        speed: How many times as fast it went.
        numbers: Of each recorded number, the one that the replay gave it; a camera that stalls takes fewer.
        touched: What faults did to recorded numbers.
        start_s: When the first frame was taken, in seconds since the recording's start.
        first_touched_s: When the first fault did anything, in seconds of the recording.
        first_late_s: When the first frame was late in one of the two and not in the other.
    """

    recorded: RecordedSession
    replayed: RecordedSession
    plan: Plan
    same_pictures: bool
    speed: float
    numbers: dict[int, int] = field(default_factory=dict)
    touched: dict[int, str] = field(default_factory=dict)
    start_s: float = 0.0
    first_touched_s: float = float("inf")
    first_late_s: float = float("inf")

    def __post_init__(self) -> None:
        account = self.plan.account()
        self.start_s = min((it.captured_s for it in self.recorded.frames.values()), default=0.0)
        self.numbers = {it.picture + 1: it.number for it in self.plan.filmed()}
        back = {new: old for old, new in self.numbers.items()}
        before = {it.number for it in self.recorded.plan().unsent}
        for number in self.recorded.frames:
            if number not in self.numbers:
                self.touched[number] = "the camera of the replay did not take it"
        marks = [
            (account.never_sent, "never sent"),
            (account.overtaken, "sent after later ones"),
            (account.damaged, "sent broken"),
        ]
        for found, why in marks:
            for number in found:
                old = back.get(number, 0)
                if old and old not in before:
                    self.touched[old] = f"{why} by the replay"
        late = self._delayed()
        times = [self.at_s(it) for it in (*self.touched, *late)] + [cut.at_s * self.speed for cut in self.plan.cuts]
        self.first_touched_s = min(times, default=float("inf"))
        late = [number for number in self.recorded.frames if "late" in (ends := self.ends(number)) and len({*ends}) > 1]
        self.first_late_s = min(map(self.at_s, late), default=float("inf"))

    def ends(self, number: int) -> tuple[str, str]:
        """What became of a recorded number then and now."""
        now = self.replayed.outcome_of(self.numbers[number]) if number in self.numbers else "not taken"
        return self.recorded.outcome_of(number), now

    def _delayed(self) -> list[int]:
        """Recorded numbers that the replay sends more than half a second later than then."""
        then = {it.number: it.sent_s - it.captured_s for it in self.recorded.plan().frames}
        return [
            it.picture + 1
            for it in self.plan.frames
            if not it.copy and (it.sent_s - it.captured_s) * self.speed > then.get(it.picture + 1, 0.0) + TOLERANCE_S
        ]

    def at_s(self, number: int) -> float:
        """When a recorded number was taken, in the recording's time."""
        frame = self.recorded.frames.get(number)
        return frame.captured_s - self.start_s if frame is not None else 0.0

    def keyframes(self, session: RecordedSession, number_of: Callable[[int], int]) -> list[int]:
        """Recorded numbers of the frames that a session chose."""
        return sorted(number_of(it.number) for it in session.frames.values() if it.why and number_of(it.number))

    def why(self, number: int, was: str, now: str, near: Sequence[int]) -> str:
        """Says why a frame ended otherwise; empty where nothing explains it."""
        if number in self.touched:
            return self.touched[number]
        if self.at_s(number) >= self.first_touched_s:
            return "follows from a fault before it"
        if self.speed != 1 and "late" in (was, now):
            return "at another speed delays are others, and the mesh's limit is the same"
        if was in _BY_LOAD or now in _BY_LOAD:
            return "depends on how busy mesh and network were"
        if self.at_s(number) >= self.first_late_s:
            return AFTER_LATE
        if any(abs(self.at_s(number) - self.at_s(key)) <= TOLERANCE_S for key in near):
            return f"a keyframe nearby came up to {TOLERANCE_S:g} s earlier or later"
        if self.speed != 1 and {was, now} <= {"skipped_interval", "skipped_same_scene"}:
            return "at another speed frames are rounded to the other side of the interval"
        if not self.same_pictures and {was, now} <= {"skipped_interval", "skipped_same_scene"}:
            return "pictures are drawn"
        return ""
