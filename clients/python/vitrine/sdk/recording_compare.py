"""Whether a replay went as the recording did; where not, what, and why that was to be expected."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vitrine.sdk.plans import Plan
from vitrine.sdk.recording_session import RecordedSession

TOLERANCE_S = 0.5
_CHOSEN = ("processed", "superseded", "pending")
# What of a frame's end depends on how busy mesh and network were.
_BY_LOAD = ("superseded", "late", "pending", "")


@dataclass(frozen=True, slots=True)
class Change:
    """Frames that ended otherwise than in the recording.

    Attributes:
        was: What became of them then; empty where nobody knew.
        now: What becomes of them in the replay.
        why: Why that was to be expected; empty where nothing explains it.
        numbers: The recorded numbers.
    """

    was: str
    now: str
    why: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing a replay with its recording says.

    Attributes:
        compared: Frames of the recording whose end is known.
        changes: Those that ended otherwise, the most frequent first.
        keyframes: Keyframes of the recording.
        matched: How many of them the replay has within half a second.
        missing: Recorded numbers of those that it has not.
        extra: Recorded numbers of keyframes that only the replay has.
        garments_compared: Keyframes whose garments were compared.
        garments_differ: Recorded numbers of those that differ.
        account: What a server that gets what the replay sends must find, and did not.
        excused: Why missing and extra keyframes were to be expected; empty where nothing explains them.
    """

    compared: int
    changes: tuple[Change, ...] = ()
    keyframes: int = 0
    matched: int = 0
    missing: tuple[int, ...] = ()
    extra: tuple[int, ...] = ()
    garments_compared: int = 0
    garments_differ: tuple[int, ...] = ()
    account: tuple[str, ...] = ()
    excused: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether nothing differs that nothing explains."""
        keyframes = bool(self.excused) or not (self.missing or self.extra)
        return keyframes and not self.account and not self.garments_differ and all(it.why for it in self.changes)


@dataclass(slots=True)
class _Comparing:
    recorded: RecordedSession
    replayed: RecordedSession
    plan: Plan
    same_pictures: bool
    speed: float
    # Of each recorded number: the number that the replay gave it. A camera that stalls takes fewer.
    numbers: dict[int, int] = field(default_factory=dict)
    touched: dict[int, str] = field(default_factory=dict)
    first_touched_s: float = float("inf")

    def __post_init__(self) -> None:
        account = self.plan.account()
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

    @property
    def start_s(self) -> float:
        return min((it.captured_s for it in self.recorded.frames.values()), default=0.0)

    def keyframes(self, session: RecordedSession, number_of: Callable[[int], int]) -> list[int]:
        """Recorded numbers of the frames that a session chose."""
        return sorted(number_of(it.number) for it in session.frames.values() if it.why and number_of(it.number))

    def why(self, number: int, was: str, now: str, near: Sequence[int]) -> str:
        """Says why a frame ended otherwise; empty where nothing explains it."""
        if number in self.touched:
            return self.touched[number]
        if self.at_s(number) >= self.first_touched_s:
            return "follows from a fault before it"
        if was in _BY_LOAD or now in _BY_LOAD:
            return "depends on how busy mesh and network were"
        if any(abs(self.at_s(number) - self.at_s(key)) <= TOLERANCE_S for key in near):
            return f"a keyframe nearby came up to {TOLERANCE_S:g} s earlier or later"
        if self.speed != 1 and {was, now} <= {"skipped_interval", "skipped_same_scene"}:
            return "at another speed frames are rounded to the other side of the interval"
        if not self.same_pictures and {was, now} <= {"skipped_interval", "skipped_same_scene"}:
            return "pictures are drawn"
        return ""


def compare(
    recorded: RecordedSession, replayed: RecordedSession, plan: Plan, *, same_pictures: bool, speed: float = 1.0
) -> Comparison:
    """Compares a replay with its recording.

    Args:
        recorded: The recording.
        replayed: What the replay was recorded as.
        plan: What the replay sent, faults included, at its speed.
        same_pictures: Whether its pictures were the recorded ones.
        speed: How many times as fast it went.
    """
    it = _Comparing(recorded, replayed, plan, same_pictures, speed)
    back = {new: old for old, new in it.numbers.items()}
    then = it.keyframes(recorded, lambda number: number)
    now = it.keyframes(replayed, lambda number: back.get(number, 0)) if then else []
    pairs = _pairs(then, now, it.at_s)
    missing = tuple(key for key in then if key not in pairs)
    extra = tuple(key for key in now if key not in set(pairs.values()))
    shifted = [key for pair in pairs.items() if pair[0] != pair[1] for key in pair]
    compared, changes = _changes(it, shifted)
    same = [key for key, other in pairs.items() if key == other and same_pictures]
    differ, garments = _garments(recorded, replayed, same, it.numbers)
    late = all(it.at_s(key) + TOLERANCE_S >= it.first_touched_s for key in (*missing, *extra))
    return Comparison(
        compared=compared,
        changes=changes,
        keyframes=len(then),
        matched=len(pairs),
        missing=missing,
        extra=extra,
        garments_compared=garments,
        garments_differ=differ,
        account=_account(plan, replayed),
        excused="they follow from the faults" if late and (missing or extra) else "",
    )


def _pairs(then: Sequence[int], now: Sequence[int], at_s: Callable[[int], float]) -> dict[int, int]:
    """Pairs keyframes in order: the same frame, else the nearest free one within the tolerance."""
    free = set(now)
    pairs = {key: key for key in then if key in free}
    free -= set(pairs)
    for key in then:
        if key not in pairs:
            near = min(free, key=lambda other: abs(at_s(other) - at_s(key)), default=None)
            if near is not None and abs(at_s(near) - at_s(key)) <= TOLERANCE_S:
                pairs[key] = near
                free.discard(near)
    return pairs


def _changes(it: _Comparing, shifted: Sequence[int]) -> tuple[int, tuple[Change, ...]]:
    grouped: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    compared = 0
    if not it.recorded.totals and not any(frame.outcome for frame in it.recorded.frames.values()):
        return 0, ()  # a profile: times alone
    for number in sorted(it.recorded.frames):
        was = it.recorded.outcome_of(number)
        now = it.replayed.outcome_of(it.numbers[number]) if number in it.numbers else "not taken"
        compared += 1
        if was != now:
            grouped[was, now, it.why(number, was, now, shifted)].append(number)
    changes = [Change(*key, tuple(numbers)) for key, numbers in grouped.items()]
    return compared, tuple(sorted(changes, key=lambda change: (bool(change.why), -len(change.numbers))))


def _garments(
    recorded: RecordedSession, replayed: RecordedSession, keys: Sequence[int], numbers: dict[int, int]
) -> tuple[tuple[int, ...], int]:
    differ, compared = [], 0
    for key in keys:
        then, now = recorded.results.get(key), replayed.results.get(numbers[key])
        if then is None or now is None or "garments" not in then or "garments" not in now:
            continue
        compared += 1
        if _worn(then) != _worn(now):
            differ.append(key)
    return tuple(differ), compared


def _worn(result: dict[str, Any]) -> Counter[tuple[str, str]]:
    """Garments of a keyframe by category and main colour."""
    return Counter((it["category"], it["colors"][0][0] if it["colors"] else "") for it in result["garments"])


def _account(plan: Plan, replayed: RecordedSession) -> tuple[str, ...]:
    """What a server that gets everything that was sent must find, and did not; nothing where a connection broke."""
    totals, account = replayed.totals, plan.account()
    if not totals or replayed.reconnects:
        return ()
    wanted = {
        "received_count": account.sent,
        "duplicate_count": account.copies,
        "lost_count": len(account.never_sent) - account.unseen,
        "highest_frame_number": account.numbered - account.unseen,
    }
    return tuple(
        f"{name.removesuffix('_count').replace('_', ' ')}: {count} expected, {totals.get(name, 0)} on the server"
        for name, count in wanted.items()
        if totals.get(name, 0) != count
    )
