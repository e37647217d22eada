"""Whether a replay went as the recording did; where not, what, and why that was to be expected."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vitrine.sdk.plans import Plan
from vitrine.sdk.recording_reasons import AFTER_LATE, TOLERANCE_S, Reasons
from vitrine.sdk.recording_session import MEASURES, RecordedSession


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
class Measured:
    """How far apart the server's two measurements of the same picture are.

    Attributes:
        name: What was measured, as in `FrameAck`.
        compared: Frames of which both were.
        most: The largest difference.
        number: The recorded number that has it; 0 where none differs.
    """

    name: str
    compared: int
    most: float
    number: int


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
        measured: What was measured of the same pictures; a keyframe that came otherwise makes it differ.
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
    measured: tuple[Measured, ...] = ()
    account: tuple[str, ...] = ()
    excused: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether nothing differs that nothing explains."""
        keyframes = bool(self.excused) or not (self.missing or self.extra)
        return keyframes and not self.account and not self.garments_differ and all(it.why for it in self.changes)


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
    it = Reasons(recorded, replayed, plan, same_pictures, speed)
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
    return Comparison(
        compared=compared,
        changes=changes,
        keyframes=len(then),
        matched=len(pairs),
        missing=missing,
        extra=extra,
        garments_compared=garments,
        garments_differ=differ,
        measured=_measured(it) if same_pictures else (),
        account=_account(plan, replayed),
        excused=_excuse(it, (*missing, *extra)),
    )


def _excuse(it: Reasons, keyframes: Sequence[int]) -> str:
    """Why keyframes are missing or new; empty where they are not, or where nothing explains the first of them."""
    first_s = min((it.at_s(key) for key in keyframes), default=float("-inf")) + TOLERANCE_S
    if first_s >= it.first_touched_s:
        return "they follow from the faults"
    return AFTER_LATE.replace("follows", "they follow") if first_s >= it.first_late_s else ""


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


def _changes(it: Reasons, shifted: Sequence[int]) -> tuple[int, tuple[Change, ...]]:
    grouped: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    compared = 0
    if not it.recorded.totals and not any(frame.outcome for frame in it.recorded.frames.values()):
        return 0, ()  # a profile: times alone
    for number in sorted(it.recorded.frames):
        was, now = it.ends(number)
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


def _measured(it: Reasons) -> tuple[Measured, ...]:
    pairs = [
        (then, now)
        for number, then in it.recorded.frames.items()
        if (now := it.replayed.frames.get(it.numbers.get(number, 0))) is not None
    ]
    found = []
    for name in MEASURES:
        both = [(getattr(then, name), getattr(now, name), then.number) for then, now in pairs]
        apart = [(abs(was - now), number) for was, now, number in both if was is not None and now is not None]
        if apart:
            most, number = max(apart, key=lambda each: each[0])
            found.append(Measured(name, len(apart), most, number if most else 0))
    return tuple(found)


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
