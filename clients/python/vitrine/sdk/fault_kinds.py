"""The kinds of faults: each a change of a `Plan`, with chance from dice that are handed in."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from vitrine.sdk.plans import Cut, Damage, Plan, Span, TimedFrame


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: Its name on the command line.
        stage: Faults happen in this order, whatever the order in which they are given: in the camera (0), in the client
            (1), on the network (2), to the connection (3).
    """

    kind: ClassVar[str]
    stage: ClassVar[int]

    def apply(self, plan: Plan, dice: random.Random) -> Plan:
        """Makes the plan in which it happens.

        Args:
            plan: What would happen otherwise.
            dice: Where chance comes from.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _Windowed(Fault):
    """Happens in windows of time.

    Attributes:
        at: When the first begins, in seconds since the start.
        lasts: How long one lasts, in seconds.
        every: From the beginning of one to that of the next, in seconds; 0 for a single one.
    """

    at: Span = field(default=Span(5))
    lasts: Span = field(default=Span(1, 4))
    every: Span = field(default=Span(0))

    def windows(self, plan: Plan, dice: random.Random) -> Iterator[tuple[float, float]]:
        """Gives the beginning and the end of each, in seconds."""
        start = self.at.draw(dice)
        while start < plan.end_s:
            length = self.lasts.draw(dice)
            yield start, start + length
            if (gap := self.every.draw(dice)) <= 0:
                return
            start += max(gap, length)


@dataclass(frozen=True, slots=True)
class Stall(_Windowed):
    """The camera gives no frame and says nothing; numbers go on without a gap."""

    kind: ClassVar[str] = "stall"
    stage: ClassVar[int] = 0

    def apply(self, plan: Plan, dice: random.Random) -> Plan:
        """Leaves out what would be captured in the windows."""
        windows = list(self.windows(plan, dice))
        return plan.filmed_anew(it for it in plan.filmed() if not _within(it.captured_s, windows))


@dataclass(frozen=True, slots=True)
class Slow(_Windowed):
    """The camera falls to a few frames a second; numbers go on without a gap.

    Attributes:
        fps: Frames per second that are left.
    """

    lasts: Span = field(default=Span(5, 10))
    fps: float = 1.0
    kind: ClassVar[str] = "slow"
    stage: ClassVar[int] = 0

    def apply(self, plan: Plan, dice: random.Random) -> Plan:
        """Leaves out frames in the windows."""
        windows = list(self.windows(plan, dice))
        return plan.filmed_anew(self._left(plan.filmed(), windows))

    def _left(self, frames: Sequence[TimedFrame], windows: list[tuple[float, float]]) -> Iterator[TimedFrame]:
        last_s = -1e9
        for frame in frames:
            if not _within(frame.captured_s, windows) or frame.captured_s - last_s >= 1 / self.fps - 1e-6:
                last_s = frame.captured_s
                yield frame


@dataclass(frozen=True, slots=True)
class Loss(Fault):
    """Frames get their number and are never sent (two-state chain of Gilbert).

    Attributes:
        share: Share of frames that are lost, 0-0.9.
        run: How many are lost in a row, on average, from 1 on.
    """

    share: float = 0.1
    run: float = 1.0
    kind: ClassVar[str] = "loss"
    stage: ClassVar[int] = 1

    def apply(self, plan: Plan, dice: random.Random) -> Plan:
        """Leaves frames out, and keeps the numbers of the rest."""
        ends, begins = 1 / self.run, min(1.0, self.share / (self.run * (1 - self.share)))
        losing = False
        kept: list[TimedFrame] = []
        lost: list[TimedFrame] = []
        for frame in plan.frames:
            losing = dice.random() >= ends if losing else dice.random() < begins
            (lost if losing else kept).append(frame)
        return replace(plan, frames=tuple(kept), unsent=(*plan.unsent, *lost))


@dataclass(frozen=True, slots=True)
class Corrupt(Fault):
    """Frames whose bytes are broken.

    Attributes:
        share: Share of frames, 0-1.
        how: ``garbage`` (no picture at all), ``cut`` (a third of the file) or ``flip`` (a few bytes; it may still be a
            picture).
    """

    share: float = 0.1
    how: str = "garbage"
    kind: ClassVar[str] = "corrupt"
    stage: ClassVar[int] = 1

    def apply(self, plan: Plan, dice: random.Random) -> Plan:
        """Marks frames as damaged; see `damaged`."""
        rolls = [(dice.random() < self.share, dice.getrandbits(32)) for _ in plan.frames]
        frames = (
            replace(frame, damage=Damage(self.how, seed)) if hit else frame
            for frame, (hit, seed) in zip(plan.frames, rolls, strict=True)
        )
        return replace(plan, frames=tuple(frames))


@dataclass(frozen=True, slots=True)
class Duplicate(Fault):
    """Frames are sent a second time.

    Attributes:
        share: Share of frames, 0-1.
        after: How much later the copy is sent, in seconds.
    """

    share: float = 0.1
    after: Span = field(default=Span(0, 0.5))
    kind: ClassVar[str] = "duplicate"
    stage: ClassVar[int] = 2

    def apply(self, plan: Plan, dice: random.Random) -> Plan:
        """Adds copies."""
        frames = list(plan.frames)
        for frame in plan.frames:
            hit, after_s = dice.random() < self.share, self.after.draw(dice)
            if hit:
                frames.append(replace(frame, sent_s=frame.sent_s + after_s, copy=True))
        return plan.sent_as(frames)


@dataclass(frozen=True, slots=True)
class Reorder(Fault):
    """Frames are overtaken by later ones.

    Attributes:
        share: Share of frames, 0-1.
        by: How many frames overtake one.
    """

    share: float = 0.1
    by: int = 2
    kind: ClassVar[str] = "reorder"
    stage: ClassVar[int] = 2

    def apply(self, plan: Plan, dice: random.Random) -> Plan:
        """Sends frames together with one that follows, after it."""
        frames = []
        for index, frame in enumerate(plan.frames):
            hit, behind = dice.random() < self.share, index + self.by
            if hit and behind < len(plan.frames):
                frames.append((behind + 0.5, replace(frame, sent_s=plan.frames[behind].sent_s)))
            else:
                frames.append((float(index), frame))
        return replace(plan, frames=tuple(frame for _, frame in sorted(frames, key=lambda it: it[0])))


@dataclass(frozen=True, slots=True)
class Burst(_Windowed):
    """The network holds frames back and lets them through at once."""

    lasts: Span = field(default=Span(5, 15))
    kind: ClassVar[str] = "burst"
    stage: ClassVar[int] = 2

    def apply(self, plan: Plan, dice: random.Random) -> Plan:
        """Sends what would be sent in a window at its end."""
        windows = list(self.windows(plan, dice))
        held = ((frame, _within(frame.sent_s, windows)) for frame in plan.frames)
        return plan.sent_as(replace(frame, sent_s=window[1]) if window else frame for frame, window in held)


@dataclass(frozen=True, slots=True)
class Disconnect(_Windowed):
    """The connection is cut, and the client stays away for a while; the camera goes on."""

    lasts: Span = field(default=Span(0.2, 2))
    kind: ClassVar[str] = "disconnect"
    stage: ClassVar[int] = 3

    def apply(self, plan: Plan, dice: random.Random) -> Plan:
        """Adds cuts; frames keep the times at which they would be sent."""
        cuts = [Cut(start, end - start) for start, end in self.windows(plan, dice)]
        return replace(plan, cuts=tuple(sorted((*plan.cuts, *cuts))))


def _within(time_s: float, windows: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    return next((it for it in windows if it[0] <= time_s < it[1]), None)
