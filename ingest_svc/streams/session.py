"""One stream session as pure state: frames and times in, decisions out. It neither waits, nor decodes, nor stores."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass

from ingest_svc.streams.books import Books
from ingest_svc.streams.clock import FrameClock
from ingest_svc.streams.keyframes import Judgement, KeyframeConfig, KeyframeSelector
from ingest_svc.streams.ledger import Outcome, Totals
from ingest_svc.streams.limits.frame_rate import FrameGate, FrameRate
from ingest_svc.streams.similarity import GrayImage
from ingest_svc.streams.similarity_light import ColorImage
from mesh.errors import InvalidInputError

# No client drops a million frames: a jump like this is a client that numbers wrongly, and would spoil the totals.
_MAX_GAP = 1_000_000


@dataclass(frozen=True, slots=True)
class ResultOptions:
    """What results hold.

    Attributes:
        include_blurred_image: Whether the blurred picture is sent along.
        include_masks: Whether masks are.
        include_embeddings: Whether vectors are.
        skip_matches: Do not look for products.
        skip_taste: Do not change the profile.
        skip_personal_ranking: Rank products as for anybody.
        match_count: Products per garment, 1-30; 0 means the default.
    """

    include_blurred_image: bool = False
    include_masks: bool = False
    include_embeddings: bool = False
    skip_matches: bool = False
    skip_taste: bool = False
    match_count: int = 0
    skip_personal_ranking: bool = False


@dataclass(frozen=True, slots=True)
class Ack:
    """What became of one frame.

    Attributes:
        number: The frame.
        outcome: What became of it.
        judgement: What the rule measured, where it was asked.
        rejected_reason: The `ErrorReason`, where it was rejected.
        lost_before: Missing numbers directly before this one.
    """

    number: int
    outcome: Outcome
    judgement: Judgement | None = None
    rejected_reason: str = ""
    lost_before: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame that may be a keyframe: it has to be looked at.

    Attributes:
        number: The frame.
        time_ns: When it was taken, in the stream's own time.
        arrival_ns: When it arrived.
        lost_before: Missing numbers directly before it.
    """

    number: int
    time_ns: int
    arrival_ns: int
    lost_before: int


class StreamSession:
    """Decides what becomes of each frame.

    For every frame that arrives: `admit`; where that gives a `Candidate`: `look` with its thumbnail, or `reject`. A
    keyframe is PENDING after that until `resolve`.
    """

    def __init__(
        self,
        stream_id: str,
        config: KeyframeConfig,
        options: ResultOptions,
        *,
        max_delay_s: float,
        books: Books | None = None,
        gate: FrameGate | None = None,
    ) -> None:
        """Opens the books.

        Args:
            stream_id: The session's UUID.
            config: How keyframes are chosen.
            options: What results hold.
            max_delay_s: Frames further behind than this are late, seconds.
            books: The books of a session that goes on.
            gate: How many frames its user may send; None for any number.
        """
        self.stream_id = stream_id
        self.options = options
        self.gate = gate or FrameGate(FrameRate(math.inf, 1.0))
        self._selector = KeyframeSelector(config)
        self.books = books or Books()
        self._clock = FrameClock()
        self._max_delay_ns = round(max_delay_s * 1e9)

    @property
    def totals(self) -> Totals:
        """The totals so far."""
        return self.books.totals

    @property
    def keyframes(self) -> KeyframeConfig:
        """How keyframes are chosen now."""
        return self._selector.config

    @property
    def sees_color(self) -> bool:
        """Whether the next frame shall be looked at in colour."""
        return self._selector.sees_color

    def configure(self, config: KeyframeConfig) -> None:
        """Changes how keyframes are chosen, from the next frame on."""
        self._selector.config = config

    def event_id(self, number: int) -> str:
        """Returns the id of a frame's result: the same however often the frame is processed."""
        return str(uuid.uuid5(uuid.UUID(self.stream_id), str(number)))

    def admit(self, number: int, capture_ns: int | None, arrival_ns: int) -> Ack | Candidate:
        """Enters an arriving frame, judged by number and time alone.

        Args:
            number: The client's number.
            capture_ns: When it was taken by the client's clock, or None.
            arrival_ns: When it arrived, on a clock that never falls.

        Returns:
            Its end, or a candidate that must be looked at.

        Raises:
            InvalidInputError: When the number is absurd.
        """
        highest = self.books.totals.highest
        if number > highest + _MAX_GAP:
            raise InvalidInputError.of(
                "frame.frame_number", f"expected at most {highest + _MAX_GAP} after {highest}, got {number}"
            )
        may_send = self.gate.lets(arrival_ns)
        ended = self.books.arrive(number)
        if ended is not None:
            return Ack(number, ended)
        lost_before = number - highest - 1
        time = self._clock.place(capture_ns, arrival_ns)
        if time.delay_ns > self._max_delay_ns:
            return self._settle(number, Outcome.LATE, lost_before)
        if not may_send:
            return self._settle(number, Outcome.REJECTED, lost_before, "RATE_LIMITED")
        if not self._selector.is_due(time.stream_ns):
            return self._settle(number, Outcome.SKIPPED_INTERVAL, lost_before)
        return Candidate(number, time.stream_ns, arrival_ns, lost_before)

    def look(self, candidate: Candidate, thumbnail: GrayImage | ColorImage) -> Ack:
        """Judges a candidate by its thumbnail.

        Args:
            candidate: From `admit`; those of older frames have been looked at, or have ended.
            thumbnail: uint8, grey `(120, 160)` or BGR `(H, W, 3)`; it may be kept.
        """
        judgement = self._selector.judge(thumbnail, candidate.time_ns)
        if not self.books.is_pending(candidate.number):
            outcome = Outcome.PROCESSED  # elsewhere; that its scene was seen holds all the same
        elif judgement.is_key:
            outcome = Outcome.PENDING
            self.books.keep_pending(candidate.number)
        else:
            outcome = Outcome.SKIPPED_INTERVAL if judgement.too_soon else Outcome.SKIPPED_SAME_SCENE
            self.books.resolve(candidate.number, outcome)
        return Ack(candidate.number, outcome, judgement, lost_before=candidate.lost_before)

    def reject(self, candidate: Candidate, reason: str) -> Ack:
        """Ends a candidate that cannot be used.

        Args:
            candidate: From `admit`.
            reason: The `ErrorReason`.
        """
        return self._end(candidate, Outcome.REJECTED, reason)

    def give_way(self, candidate: Candidate) -> Ack:
        """Ends a candidate because a newer one came before it was looked at.

        Args:
            candidate: From `admit`.
        """
        return self._end(candidate, Outcome.SUPERSEDED)

    def stale(self, candidate: Candidate, now_ns: int) -> Ack | None:
        """Asks again about a candidate that has waited, and ends it where it need not be looked at any more.

        Args:
            candidate: From `admit`.
            now_ns: Now, on the clock of the arrivals.

        Returns:
            Its end; None where it must be looked at.
        """
        if now_ns - candidate.arrival_ns > self._max_delay_ns:
            return self._end(candidate, Outcome.LATE)
        if not self._selector.is_due(candidate.time_ns):  # one that was looked at meanwhile is a keyframe
            return self._end(candidate, Outcome.SKIPPED_INTERVAL)
        return None

    def resolve(self, number: int, outcome: Outcome, reason: str = "") -> Ack:
        """Ends a keyframe that was PENDING.

        Args:
            number: The frame.
            outcome: PROCESSED, SUPERSEDED or REJECTED.
            reason: The `ErrorReason` of a rejected one.
        """
        self.books.resolve(number, outcome, reason)
        return Ack(number, outcome, rejected_reason=reason)

    def _end(self, candidate: Candidate, outcome: Outcome, reason: str = "") -> Ack:
        if not self.books.is_pending(candidate.number):  # its result has turned up while it waited
            return Ack(candidate.number, Outcome.PROCESSED, lost_before=candidate.lost_before)
        self.books.resolve(candidate.number, outcome, reason)
        return Ack(candidate.number, outcome, rejected_reason=reason, lost_before=candidate.lost_before)

    def _settle(self, number: int, outcome: Outcome, lost_before: int, reason: str = "") -> Ack:
        self.books.settle(outcome, reason)
        return Ack(number, outcome, rejected_reason=reason, lost_before=lost_before)
