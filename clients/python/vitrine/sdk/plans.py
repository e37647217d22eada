"""When each frame is captured and sent, and when the connection is cut: what a sender works through, as plain data."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

_FLIPPED_BYTES = 16


@dataclass(frozen=True, slots=True)
class Span:
    """A number, or a range from which one is drawn.

    Attributes:
        low: The least.
        high: The most; None for `low`.
    """

    low: float
    high: float | None = None

    @classmethod
    def read(cls, text: str) -> Span:
        """Reads ``2`` or ``1-4``.

        Args:
            text: What to read.

        Raises:
            ValueError: It is neither, or the range goes down.
        """
        low, dash, high = text.partition("-")
        span = cls(float(low), float(high) if dash else None)
        if span.high is not None and span.high < span.low:
            raise ValueError(f"{text} goes down")
        return span

    def draw(self, dice: random.Random) -> float:
        """Gives one number of the range, each as likely as any other."""
        return self.low if self.high is None else dice.uniform(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Damage:
    """How the bytes of a frame are broken.

    Attributes:
        how: ``garbage``, ``cut`` or ``flip``.
        seed: Where chance comes from.
    """

    how: str
    seed: int


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """The connection is cut.

    Attributes:
        at_s: When, in seconds since the start.
        away_s: How long the client stays away before it connects again, in seconds.
    """

    at_s: float
    away_s: float


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """One frame on its way.

    Attributes:
        picture: Which picture of those that were filmed, from 0 on.
        number: The client's number of the frame, from 1 on.
        captured_s: When the camera took it, in seconds since the start.
        sent_s: When the client sends it, in seconds since the start.
        copy: True where the number is sent a second time.
        damage: How its bytes are broken; None where they are whole.
    """

    picture: int
    number: int
    captured_s: float
    sent_s: float
    copy: bool = False
    damage: Damage | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What a server that gets everything that is sent must find.

    Attributes:
        numbered: Numbers that the client gave out.
        sent: Frames sent, copies included.
        copies: Frames sent a second time.
        never_sent: Numbers that are never sent, in order.
        unseen: How many of these are behind the highest number sent: no server can know of them.
        overtaken: Numbers first sent after a higher one, in order of sending.
        damaged: Numbers whose bytes are broken, in order of sending.
    """

    numbered: int
    sent: int
    copies: int
    never_sent: tuple[int, ...]
    unseen: int
    overtaken: tuple[int, ...]
    damaged: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sender does.

    Attributes:
        frames: In the order of sending; `sent_s` never falls.
        numbered: How many numbers the client gives out, also to frames that are never sent.
        cuts: When the connection is cut, in order.
        unsent: Frames that are captured, numbered and never sent, as far as their times are known.
    """

    frames: tuple[TimedFrame, ...]
    numbered: int
    cuts: tuple[Cut, ...] = ()
    unsent: tuple[TimedFrame, ...] = ()

    @classmethod
    def steady(cls, count: int, fps: float) -> Plan:
        """Makes the plan of a camera and a network without faults.

        Args:
            count: Frames.
            fps: Frames per second.
        """
        return cls.at([index / fps for index in range(count)])

    @classmethod
    def at(cls, times_s: Sequence[float]) -> Plan:
        """Makes the plan of frames that are sent as soon as they are captured.

        Args:
            times_s: When each is captured, in seconds since the start, rising.
        """
        return cls(tuple(TimedFrame(it, it + 1, time, time) for it, time in enumerate(times_s)), len(times_s))

    @property
    def end_s(self) -> float:
        """When the last frame is sent, in seconds since the start; 0 without frames."""
        return self.frames[-1].sent_s if self.frames else 0.0

    def faster(self, speed: float) -> Plan:
        """Makes the plan in which everything happens so many times as fast.

        Args:
            speed: 1 changes nothing.
        """
        frames, unsent = (
            tuple(replace(it, captured_s=it.captured_s / speed, sent_s=it.sent_s / speed) for it in each)
            for each in (self.frames, self.unsent)
        )
        cuts = (Cut(cut.at_s / speed, cut.away_s / speed) for cut in self.cuts)
        return replace(self, frames=frames, cuts=tuple(cuts), unsent=unsent)

    def filmed(self) -> list[TimedFrame]:
        """Gives each frame that the camera took once, in the order of numbers, also those that are never sent."""
        return sorted((it for it in (*self.frames, *self.unsent) if not it.copy), key=lambda it: it.number)

    def filmed_anew(self, frames: Iterable[TimedFrame]) -> Plan:
        """Makes the plan of a camera that took only these: they are numbered from 1 on.

        Args:
            frames: Some of those that were `filmed`, in their order.
        """
        numbers = {frame.number: number for number, frame in enumerate(frames, 1)}
        sent, unsent = (
            tuple(replace(it, number=numbers[it.number]) for it in each if it.number in numbers)
            for each in (self.frames, self.unsent)
        )
        return replace(self, frames=sent, unsent=unsent, numbered=len(numbers))

    def sent_as(self, frames: Iterable[TimedFrame]) -> Plan:
        """Makes the plan with these frames in the order of sending; of two at the same time the first stays first.

        Args:
            frames: The frames.
        """
        return replace(self, frames=tuple(sorted(frames, key=lambda it: it.sent_s)))

    def account(self) -> Account:
        """Says what a server must find that gets everything."""
        sent: set[int] = set()
        overtaken, damaged = [], []
        highest = copies = 0
        for frame in self.frames:
            if frame.damage is not None:
                damaged.append(frame.number)
            if frame.number in sent:
                copies += 1
            elif frame.number < highest:
                overtaken.append(frame.number)
            sent.add(frame.number)
            highest = max(highest, frame.number)
        return Account(
            numbered=self.numbered,
            sent=len(self.frames),
            copies=copies,
            never_sent=tuple(it for it in range(1, self.numbered + 1) if it not in sent),
            unseen=self.numbered - highest,
            overtaken=tuple(overtaken),
            damaged=tuple(damaged),
        )


def damaged(data: bytes, damage: Damage | None) -> bytes:
    """Breaks the bytes of a picture.

    Args:
        data: The file.
        damage: How; None gives the bytes as they are.

    Returns:
        What is sent. Of a file of no bytes nothing is left.
    """
    if damage is None or not data:
        return data
    if damage.how == "cut":
        return data[: max(1, len(data) // 3)]
    dice = random.Random(damage.seed)  # noqa: S311  a repeatable fault, not a secret
    if damage.how == "garbage":  # no format begins with a zero byte
        return b"\0" + dice.randbytes(len(data) - 1)
    broken = bytearray(data)
    for _ in range(_FLIPPED_BYTES):
        broken[dice.randrange(len(data) // 3, len(data))] ^= dice.randrange(1, 256)
    return bytes(broken)
