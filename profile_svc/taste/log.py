"""The log of a user's taste, and the state that follows from it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from profile_svc.taste.evidence import Sighting
from profile_svc.taste.state import EMPTY, GarmentMove, TasteState, apply
from profile_svc.taste.wearing import Occasion


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the log: a sighting, or the undo of one.

    Attributes:
        sequence: Its number in the user's count.
        event_id: Its id.
        sighting: What was seen; None for an undo.
        undoes: Id of the sighting that an undo takes back; empty for a sighting.
        observe_s: When the outfit was seen, in seconds since 1970, UTC.
    """

    sequence: int
    event_id: str
    sighting: Sighting | None = None
    undoes: str = ""
    observe_s: float = 0.0


def replay(
    entries: Iterable[LogEntry], *, start: TasteState = EMPTY, undone: frozenset[str] = frozenset()
) -> TasteState:
    """Computes the state from the log.

    A sighting counts unless some entry, here or in `undone`, takes it back; where it stood in the log makes no
    difference.

    Args:
        entries: The entries in any order; they are applied by rising sequence.
        start: The state before the first entry (a snapshot).
        undone: Ids of sightings that entries beyond these take back.

    Returns:
        The state after the last entry.
    """
    return functools.reduce(lambda _, step: step[1], steps(entries, start=start, undone=undone), start)


def steps(
    entries: Iterable[LogEntry], *, start: TasteState = EMPTY, undone: frozenset[str] = frozenset()
) -> Iterator[tuple[LogEntry, TasteState, tuple[GarmentMove, ...]]]:
    """Yields each sighting that counts with the state after it and what its garments did; arguments as `replay`."""
    ordered = sorted(entries, key=lambda entry: entry.sequence)
    gone = undone | {entry.undoes for entry in ordered if entry.undoes}
    state = start
    for entry in ordered:
        if entry.sighting is not None and entry.event_id not in gone:
            state, moves = apply(state, entry.sighting, Occasion(entry.event_id, entry.observe_s))
            yield entry, state, moves
