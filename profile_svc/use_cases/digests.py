"""What of a log the tastes follow from, and keeping it ready while the log stays as it is.

Finding groups takes long, and so does reading hundreds of outfits; neither changes until something is recorded or taken
back. A digest is kept under the number of the last taste event in it: the log is only appended to, and an undo is an
entry too, so that the number names all of it. Everything that depends on the time is computed anew.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from profile_svc.storage.taste import EventRow, log_entry
from profile_svc.taste.evidence import Vector
from profile_svc.taste.log import steps
from profile_svc.taste.outfits import Outfit, outfit_of
from profile_svc.taste.state import TasteState
from profile_svc.taste.tastes import Grouping, group_outfits


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer tells of the sighting behind an outfit.

    Attributes:
        sequence: Its number in the user's count.
        observe_time: When the outfit was seen.
        record_time: When that was recorded.
    """

    sequence: int
    observe_time: dt.datetime
    record_time: dt.datetime


@dataclass(frozen=True, slots=True)
class Step:
    """Where the overall taste stood after a sighting.

    Attributes:
        observe_s: When the outfit was seen, in seconds since 1970, UTC.
        axes: The axes.
        vector: The vector of the model that was asked for; None without one.
    """

    observe_s: float
    axes: tuple[float, ...]
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class Digest:
    """What the tastes of a user follow from, whatever the time is.

    Attributes:
        grouping: The outfits in groups.
        trail: Where the overall taste stood after each sighting, in the order of the log.
        told: The sightings behind the outfits, by event id.
    """

    grouping: Grouping
    trail: tuple[Step, ...]
    told: dict[str, Told]

    def before(self, at_s: float) -> Step | None:
        """Returns the last step whose outfit was seen by then; None where there is none."""
        return next((step for step in reversed(self.trail) if step.observe_s <= at_s), None)


def digest_of(events: Sequence[EventRow], start: TasteState, gone: frozenset[str], model: str) -> Digest:
    """Reads the newest part of a log.

    Args:
        events: Its entries, each with what was seen.
        start: The taste before them.
        gone: Ids of sightings that are taken back.
        model: The model whose vectors speak.
    """
    outfits: list[Outfit] = []
    trail = []
    for entry, state, moves in steps(map(log_entry, events), start=start, undone=gone):
        outfit = outfit_of(entry, moves, model)
        if outfit is not None:
            outfits.append(outfit)
        vector = state.vectors.get(model)
        trail.append(Step(entry.observe_s, state.axes, None if vector is None else vector.values))
    grouping = group_outfits(outfits)
    return Digest(grouping, tuple(trail), _told(events, grouping.outfits))


def _told(events: Iterable[EventRow], outfits: Sequence[Outfit]) -> dict[str, Told]:
    """Nothing of what was seen is kept: that is most of the log's weight."""
    wanted = {outfit.event_id for outfit in outfits}
    return {
        event.event_id: Told(event.sequence, event.observe_time, event.record_time)
        for event in events
        if event.event_id in wanted
    }


@dataclass(frozen=True, slots=True)
class DigestKey:
    """Of what moment a digest is.

    Attributes:
        epoch: The user's; another one once an erased user has come back.
        sequence: Number of the last taste event in it.
        model: The model whose vectors speak.
    """

    epoch: uuid.UUID
    sequence: int
    model: str


@dataclass(eq=False, slots=True)
class Making:
    """A digest while it is made.

    Attributes:
        stale: Whether its user has changed since the making began.
    """

    stale: bool = False


class DigestCache:
    """Digests of the users who asked last, about 1 MB each at most. For use on one event loop.

    A digest is right for its key for ever. It is forgotten when its user changes all the same, so that nothing of an
    erased user stays.
    """

    def __init__(self, most: int) -> None:
        """Sets the size.

        Args:
            most: Users whose digests are kept; 0 keeps none.
        """
        self._most = most
        self._kept: OrderedDict[str, tuple[DigestKey, Digest]] = OrderedDict()
        self._making: dict[str, list[Making]] = {}

    def __len__(self) -> int:
        """Returns of how many users digests are kept."""
        return len(self._kept)

    def get(self, user_id: str, key: DigestKey) -> Digest | None:
        """Returns the digest of a moment, or None."""
        kept = self._kept.get(user_id)
        if kept is None or kept[0] != key:
            return None
        self._kept.move_to_end(user_id)
        return kept[1]

    @contextlib.contextmanager
    def making(self, user_id: str) -> Iterator[Making]:
        """Begins to make a digest; its log is read within the block, and the digest put at its end.

        Args:
            user_id: Whose.
        """
        made = Making()
        beside = self._making.setdefault(user_id, [])
        beside.append(made)
        try:
            yield made
        finally:
            beside.remove(made)
            if not beside and self._making.get(user_id) is beside:
                del self._making[user_id]

    def put(self, user_id: str, key: DigestKey, digest: Digest, made: Making) -> None:
        """Keeps a digest, unless its user has changed since: they may have been erased.

        Args:
            user_id: Whose.
            key: Of what moment.
            digest: The digest.
            made: From `making`.
        """
        if made.stale:
            return
        self._kept[user_id] = (key, digest)
        self._kept.move_to_end(user_id)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, user_id: str | None) -> None:
        """Forgets what is kept of a user who has changed; None forgets everybody (who has changed is not known)."""
        for user in [user_id] if user_id is not None else [*self._kept, *self._making]:
            self._kept.pop(user, None)
            for made in self._making.get(user, ()):
                made.stale = True
