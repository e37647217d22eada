"""A recorded session as a whole: what became of each frame, and what came out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitrine.sdk.frames import Taking
from vitrine.sdk.plans import Plan, TimedFrame
from vitrine.sdk.recording_file import Record, RecordingError, read_records

# What the server measures of a frame against the last keyframe, as in `FrameAck`; which of them, its mode decides.
MEASURES = ("ssim", "pixel_diff", "changed_area")
# Streams have an end after hours: more frames than this are no recording of ours.
_MOST_FRAMES = 5_000_000


@dataclass(slots=True)
class RecordedFrame:
    """One frame of a recorded session.

    Attributes:
        number: The client's number.
        captured_s: When it was taken, in seconds since the start.
        sent_s: When it was sent; None where it never was.
        size_px: Width and height; zeros where that was not kept.
        sha256: Of its bytes, in hex; empty where that was not kept.
        look: Its gradient hash; None where that was not kept.
        change: Mean difference to the frame before, 0-1.
        acked_s: When the server first said what becomes of it; None where it never did.
        outcome: What became of it in the end; empty where the server never said.
        why: Why it was a keyframe; empty where it was none.
        rejected_reason: Why it was rejected.
        copies: Acknowledgements of copies.
        advised: What advice had made of rate, size and quality, by the names of `Taking`; None where nothing was less.
        ssim: SSIM to the last keyframe; None where it was not measured, as the next two.
        pixel_diff: Mean difference to it, 0-1.
        changed_area: Share of the picture with new colours, 0-1; recordings of before November 2026 have none.
    """

    number: int
    captured_s: float = 0.0
    sent_s: float | None = None
    size_px: tuple[int, int] = (0, 0)
    sha256: str = ""
    look: int | None = None
    change: float = 0.0
    acked_s: float | None = None
    outcome: str = ""
    why: str = ""
    rejected_reason: str = ""
    copies: int = 0
    advised: Record | None = None
    ssim: float | None = None
    pixel_diff: float | None = None
    changed_area: float | None = None

    def timed(self, start_s: float) -> TimedFrame:
        """Gives its times from a start on, in seconds; one that was never sent is captured all the same."""
        captured_s = self.captured_s - start_s
        sent_s = captured_s if self.sent_s is None else max(captured_s, self.sent_s - start_s)
        return TimedFrame(self.number - 1, self.number, captured_s, sent_s)


@dataclass(slots=True)
class RecordedSession:
    """What a recording says.

    Attributes:
        head: Its first record.
        frames: By number.
        results: Records of results by number of the frame; of one that came twice, the first.
        result_count: Results that came, also those that came again.
        keyframes: How keyframes were chosen, as in `KeyframeConfig`'s JSON; empty before `ready`.
        totals: The server's totals as they were said last, by field name.
        client: What the client counted: ``numbered``, ``sent``; empty where the recording was cut off.
        reconnects: Records of connections taken up again.
        complete: Whether it has its end, and the server had said its last word.
    """

    head: Record
    frames: dict[int, RecordedFrame] = field(default_factory=dict)
    results: dict[int, Record] = field(default_factory=dict)
    result_count: int = 0
    keyframes: Record = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    client: dict[str, int] = field(default_factory=dict)
    reconnects: list[Record] = field(default_factory=list)
    complete: bool = False

    @classmethod
    def load(cls, path: Path) -> RecordedSession:
        """Reads a file.

        Args:
            path: The recording; it may be cut off.

        Raises:
            RecordingError: It is no recording, or of another version, or a record makes no sense.
            OSError: It cannot be read.
        """
        return cls.of(read_records(path))

    @classmethod
    def of(cls, records: Iterable[Record]) -> RecordedSession:
        """Puts records together.

        Args:
            records: The head first.

        Raises:
            RecordingError: A record makes no sense.
        """
        left: Iterator[Record] = iter(records)
        session = cls(next(left))
        for record in left:
            try:
                session.take(record)
            except (KeyError, TypeError, ValueError) as error:
                raise RecordingError(f"the recording has a record that makes no sense: {record!r:.100}") from error
        return session

    def take(self, record: Record) -> None:
        """Takes the next record in; one of a kind that is not known changes nothing."""
        handle = _TAKERS.get(record.get("t", ""))
        if handle is not None:
            handle(self, record)

    def plan(self) -> Plan:
        """Makes the plan of sending the same frames at the same times.

        Frames that the client dropped keep their numbers, and copies are not sent again: a fault brings those.
        """
        # The stream begins with its first frame: what came before was the connection.
        start_s = min((it.captured_s for it in self.frames.values()), default=0.0)
        timed = [it.timed(start_s) for it in sorted(self.frames.values(), key=lambda it: it.number)]
        sent = sorted((it for it in timed if self.frames[it.number].sent_s is not None), key=lambda it: it.sent_s)
        unsent = tuple(it for it in timed if self.frames[it.number].sent_s is None)
        numbered = max(self.client.get("numbered", 0), max(self.frames, default=0))
        return Plan(tuple(sent), numbered, unsent=unsent)

    def outcome_of(self, number: int) -> str:
        """Tells what became of a number: also ``lost`` for one the server never saw, and empty where nobody knows."""
        frame = self.frames.get(number)
        if frame is not None and frame.outcome:
            return frame.outcome
        return "lost" if number <= self.totals.get("highest_frame_number", 0) else ""

    def _frame(self, number: Any) -> RecordedFrame:  # noqa: ANN401  of a file
        if not isinstance(number, int) or not 1 <= number <= _MOST_FRAMES:
            raise ValueError(f"expected a frame number, got {number!r}")
        return self.frames.setdefault(number, RecordedFrame(number))

    def _take_frame(self, record: Record) -> None:
        frame = self._frame(record["n"])
        frame.captured_s = float(record["captured"])
        frame.sent_s = float(record["sent"]) if "sent" in record else None
        width, height = record.get("size", (0, 0))
        frame.size_px = (int(width), int(height))
        frame.sha256 = str(record.get("sha256", ""))
        frame.look = int(record["look"], 16) if "look" in record else None
        frame.change = float(record.get("change", 0.0))
        frame.advised = {name: float(record[name]) for name in Taking.__slots__ if name in record} or None

    def _take_ack(self, record: Record) -> None:
        frame = self._frame(record["n"])
        if record["outcome"] == "duplicate":
            frame.copies += 1
            return
        frame.outcome = str(record["outcome"])
        frame.why = str(record.get("why", frame.why))
        frame.rejected_reason = str(record.get("reason", ""))
        for name in MEASURES:
            if name in record:
                setattr(frame, name, float(record[name]))
        frame.acked_s = float(record["at"]) if frame.acked_s is None else frame.acked_s

    def _take_result(self, record: Record) -> None:
        self.result_count += 1
        number = record["n"]
        frame = self._frame(number)
        self.results.setdefault(number, record)
        frame.why = frame.why or str(record.get("why", ""))
        if frame.outcome in ("", "pending"):  # its acknowledgement went with a connection
            frame.outcome = "processed"

    def _take_ready(self, record: Record) -> None:
        self.keyframes = dict(record.get("keyframes", {}))
        highest = int(record.get("highest", 0))
        for frame in self.frames.values():
            if frame.number > highest:  # void, as in `FrameLedger`: who said so was killed before it had saved it
                frame.outcome = frame.why = ""

    def _take_stats(self, record: Record) -> None:
        self.totals = {name: int(count) for name, count in record.get("totals", {}).items()}

    def _take_reconnect(self, record: Record) -> None:
        self.reconnects.append(record)

    def _take_end(self, record: Record) -> None:
        self.complete = bool(record.get("ended_well"))
        self.client = {name: int(record[name]) for name in ("numbered", "sent")}


_TAKERS = {
    "frame": RecordedSession._take_frame,  # noqa: SLF001  of this module
    "ack": RecordedSession._take_ack,  # noqa: SLF001
    "result": RecordedSession._take_result,  # noqa: SLF001
    "ready": RecordedSession._take_ready,  # noqa: SLF001
    "stats": RecordedSession._take_stats,  # noqa: SLF001
    "reconnect": RecordedSession._take_reconnect,  # noqa: SLF001
    "end": RecordedSession._take_end,  # noqa: SLF001
}
