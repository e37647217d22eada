"""The log of taste events: whatever comes in, however mixed, the state is that of the ordered replay, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from profile_svc.taste.axes import AXES
from profile_svc.taste.evidence import Sighting, canonical, fingerprint, parse
from profile_svc.taste.log import LogEntry, replay
from profile_svc.taste.state import EMPTY, RULES, TasteState, apply, dump_state, load_state
from profile_svc.taste.wearing import Occasion
from tests.unit.profile_svc.outfits import moments_s, sightings

pytestmark = pytest.mark.unit

SNAPSHOT_EVERY = 3
EVENT_IDS = tuple(f"e{number}" for number in range(8))


def stored(state: TasteState) -> TasteState:
    """The way of a state through the database."""
    again = load_state(dump_state(state))
    assert again is not None
    return again


@dataclass
class Book:
    """A log as the service keeps it: each event is applied as it comes; an undo replays from a snapshot."""

    entries: list[LogEntry] = field(default_factory=list)
    states: dict[int, TasteState] = field(default_factory=dict)
    state: TasteState = EMPTY

    def record(self, event_id: str, sighting: Sighting, observe_s: float) -> None:
        if any(entry.event_id == event_id for entry in self.entries):
            return
        sequence = len(self.entries) + 1
        self.entries.append(LogEntry(sequence, event_id, parse(canonical(sighting)), observe_s=observe_s))
        self.state = stored(apply(self.state, sighting, Occasion(event_id, observe_s))[0])
        if self.state.count % SNAPSHOT_EVERY == 0:
            self.states[sequence] = self.state

    def undo(self, event_id: str) -> None:
        seen = next((entry for entry in self.entries if entry.event_id == event_id), None)
        if seen is None or any(entry.undoes == event_id for entry in self.entries):
            return
        self.states = {key: state for key, state in self.states.items() if key < seen.sequence}
        start = max(self.states, default=0)
        self.entries.append(LogEntry(len(self.entries) + 1, f"undo-{event_id}", undoes=event_id))
        gone = frozenset(entry.undoes for entry in self.entries if entry.undoes)
        later = [entry for entry in self.entries if entry.sequence > start]
        self.state = stored(replay(later, start=self.states.get(start, EMPTY), undone=gone))


steps = st.lists(
    st.tuples(st.sampled_from(["record", "record", "record", "undo"]), st.sampled_from(EVENT_IDS)), max_size=20
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(sightings, moments_s), min_size=8, max_size=8), steps, st.randoms(use_true_random=False))
def test_any_interleaving_of_events_repetitions_and_undos_is_the_ordered_replay(
    contents: list[tuple[Sighting, float]], program: list[tuple[str, str]], random: object
) -> None:
    book = Book()
    known = dict(zip(EVENT_IDS, contents, strict=True))
    for kind, event_id in program:
        if kind == "record":
            book.record(event_id, *known[event_id])
        else:
            book.undo(event_id)
        assert dump_state(book.state) == dump_state(replay(book.entries))
    shuffled = list(book.entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert dump_state(replay(shuffled)) == dump_state(book.state)
    gone = {entry.undoes for entry in book.entries}
    never = [entry for entry in book.entries if entry.sighting is not None and entry.event_id not in gone]
    assert dump_state(replay(never)) == dump_state(book.state)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(sightings, moments_s), min_size=1, max_size=8), st.data())
def test_replay_equals_living_through_it_from_any_snapshot(
    seen: list[tuple[Sighting, float]], data: st.DataObject
) -> None:
    entries = [LogEntry(index + 1, f"e{index}", item, observe_s=at) for index, (item, at) in enumerate(seen)]
    states = [EMPTY]
    for entry, (item, at) in zip(entries, seen, strict=True):
        states.append(apply(states[-1], item, Occasion(entry.event_id, at))[0])
    cut = data.draw(st.integers(0, len(seen)))
    assert dump_state(replay(entries[cut:], start=stored(states[cut]))) == dump_state(states[-1])
    assert all(0 <= score <= 100 for score in states[-1].axes)
    for known in states[-1].vectors.values():
        assert np.linalg.norm(known.values) == pytest.approx(1, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(sightings, moments_s), min_size=1, max_size=6))
def test_parts_of_the_garments_add_up_and_a_repeated_one_has_none(seen: list[tuple[Sighting, float]]) -> None:
    state = EMPTY
    for number, (item, at) in enumerate(seen):
        after, moves = apply(state, item, Occasion(f"e{number}", at))
        for index, axis in enumerate(AXES):
            parts = sum(move.deltas.get(axis.name, 0.0) for move in moves)
            assert parts == pytest.approx(after.axes[index] - state.axes[index], abs=1e-4)
        counted = [move for move in moves if move.weight > 0 and not move.repeat_of]
        assert after.garments - state.garments == len(counted)
        assert not any(move.deltas for move in moves if move.repeat_of)
        state = after


def _two_models(state: TasteState, _: Sighting) -> bool:
    return {"m/1", "n/1"} <= state.vectors.keys()


def _picture_speaks(state: TasteState, seen: Sighting) -> bool:
    return bool(state.vectors) and not any(item.embedding for item in seen.garments)


def _mixed(state: TasteState, seen: Sighting) -> bool:
    """The picture has a vector of a model that no garment has one of, and it does not count."""
    picture = seen.global_embedding
    return picture is not None and bool(state.vectors) and picture.model not in state.vectors


@pytest.mark.parametrize("wanted", [_two_models, _picture_speaks, _mixed])
def test_outfits_above_reach_what_logs_are_made_of(wanted: Callable[[TasteState, Sighting], bool]) -> None:
    """So that the properties above say something of it."""

    def reached(seen: Sighting) -> bool:
        return wanted(apply(EMPTY, seen, Occasion("e0", 0.0))[0], seen)

    first = settings(phases=[Phase.generate], max_examples=300, derandomize=True, database=None)
    assert reached(find(sightings, reached, settings=first))


@given(sightings)
def test_canonical_form_reads_back_to_the_bit(sighting: Sighting) -> None:
    again = parse(canonical(sighting))
    assert again == sighting
    assert canonical(again) == canonical(sighting)
    assert fingerprint(again, "s") == fingerprint(sighting, "s") != fingerprint(sighting, "t")


def test_a_state_of_other_rules_is_not_read() -> None:
    text = dump_state(EMPTY)
    assert load_state(text) == EMPTY
    assert load_state(text.replace(f'"rules":{RULES}', f'"rules":{RULES - 1}')) is None
    assert load_state('{"axes":[50,50,50,50,50],"count":0,"vectors":{},"last_model":""}') is None
