"""The books over crashes and reconnects: the sum holds at every step, and in the end client and server say the same."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest_svc.streams.books import Books
from ingest_svc.streams.journal import Journal
from ingest_svc.streams.ledger import Outcome, Totals

pytestmark = pytest.mark.unit

_JUDGED = [Outcome.SKIPPED_INTERVAL, Outcome.SKIPPED_SAME_SCENE, Outcome.LATE, Outcome.REJECTED, Outcome.PENDING]
_ENDS = [Outcome.PROCESSED, Outcome.SUPERSEDED, Outcome.REJECTED]


@dataclass
class Client:
    """A client that keeps its own books by what it hears, as the contract tells it to."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    results: list[int] = field(default_factory=list)

    def ready(self, highest: int) -> None:
        """What a killed process said of frames that it had not saved is void."""
        self.outcomes = {number: outcome for number, outcome in self.outcomes.items() if number <= highest}

    def hear(self, kind: str, number: int, outcome: Outcome, lost_before: int) -> None:
        if kind == "result":
            self.results.append(number)
            return
        for missing in range(number - lost_before, number):
            self.outcomes[missing] = Outcome.LOST
        if outcome is not Outcome.DUPLICATE:
            self.outcomes[number] = outcome


class Server:
    """A replica: its books, what it has saved, and what is on its way to the client."""

    def __init__(self) -> None:
        self.row: dict[str, Any] = {"totals": Totals().as_dict(), "books": {}}
        self.kept: dict[int, None] = {}
        self.wire: list[tuple[str, int, Outcome, int]] = []
        self.books = Books()

    def save(self) -> None:
        self.row = json.loads(json.dumps({"totals": self.books.totals.as_dict(), "books": self.books.rows()}))

    def connect(self, client: Client) -> None:
        """A new process takes the session over: what was on its way is gone."""
        self.books = Books(Totals(**self.row["totals"]), self.row["books"])
        self.books.reopen(self.kept)
        self.wire = []
        client.ready(self.books.totals.highest)
        for number in self.kept:
            self.result(number)
        for told in self.books.journal.told:
            self.tell(told.number, told.outcome)

    def tell(self, number: int, outcome: Outcome, lost_before: int = 0) -> None:
        self.books.journal.sent(number, outcome)
        self.wire.append(("ack", number, outcome, lost_before))

    def result(self, number: int) -> None:
        self.books.journal.mark(str(number))
        self.wire.append(("result", number, Outcome.PROCESSED, 0))

    def frame(self, number: int, outcome: Outcome) -> None:
        highest = self.books.totals.highest
        ended = self.books.arrive(number)
        self.check()
        if ended is None:
            self.books.settle(outcome)
            self.tell(number, outcome, number - highest - 1)
        else:
            self.tell(number, ended)

    def end(self, outcome: Outcome) -> None:
        pending = sorted(self.books.ledger.pending)
        if not pending:
            return
        self.books.resolve(pending[0], outcome)
        if outcome is Outcome.PROCESSED:
            self.kept[pending[0]] = None
            self.save()  # in one transaction with the result
            self.result(pending[0])
        self.tell(pending[0], outcome)

    def elsewhere(self, number: int) -> None:
        """The result of a frame that an older replica had in work is kept, and found here."""
        missing = self.books.recover(number)
        if missing is not None:
            self.kept[number] = None
            self.result(number)
            self.tell(number, Outcome.PROCESSED, missing)

    def acknowledge(self, number: int) -> None:
        self.books.journal.heard(str(number))
        self.kept.pop(number, None)
        self.save()

    def deliver(self, client: Client, share: float) -> None:
        count = round(share * len(self.wire))
        for message in self.wire[:count]:
            client.hear(*message)
        del self.wire[:count]

    def check(self) -> None:
        totals = self.books.totals
        assert totals.accounted == totals.highest
        assert totals.pending == len(self.books.ledger.pending)
        assert min(totals.as_dict().values()) >= 0


_STEPS = st.one_of(
    st.tuples(st.just("frame"), st.sampled_from([1, 1, 1, 2, 4]), st.sampled_from(_JUDGED)),
    st.tuples(st.just("old"), st.integers(0, 12), st.sampled_from(_JUDGED)),
    st.tuples(st.just("end"), st.just(0), st.sampled_from(_ENDS)),
    st.tuples(st.just("deliver"), st.sampled_from([0.3, 0.7, 1.0]), st.just(Outcome.LOST)),
    st.tuples(st.sampled_from(["save", "crash", "acknowledge", "elsewhere"]), st.integers(0, 6), st.just(Outcome.LOST)),
)


@settings(max_examples=300)
@given(st.lists(_STEPS, max_size=60))
def test_whatever_happens_the_sum_holds_and_both_sides_say_the_same_in_the_end(
    steps: list[tuple[str, Any, Outcome]],
) -> None:
    server, client, number = Server(), Client(), 0
    for kind, value, outcome in steps:
        if kind == "frame":
            number += value
            server.frame(number, outcome)
        elif kind == "old" and number:
            server.frame(max(1, number - value), outcome)
        elif kind == "end":
            server.end(outcome)
        elif kind == "deliver":
            server.deliver(client, value)
        elif kind == "save":
            server.save()
        elif kind == "crash":
            server.connect(client)
        elif kind == "elsewhere" and number:
            server.elsewhere(max(1, number - value))
        elif kind == "acknowledge" and client.results:
            server.acknowledge(client.results[-1])
        server.check()
    server.connect(client)
    server.deliver(client, 1.0)
    totals = server.books.totals
    assert set(client.outcomes) <= set(range(1, totals.highest + 1))
    silent = totals.highest - len(client.outcomes)  # gaps of which no word came
    counts = Counter(outcome.name.lower() for outcome in client.outcomes.values())
    counts["lost"] += silent
    assert counts == Counter(
        {name: count for name, count in totals.as_dict().items() if name not in ("highest", "received", "duplicate")}
    )
    assert set(server.kept) <= set(client.results)


def test_what_was_in_work_is_lost_and_found_again_by_its_result() -> None:
    server, client = Server(), Client()
    for number, outcome in ((1, Outcome.PENDING), (2, Outcome.SKIPPED_INTERVAL)):
        server.frame(number, outcome)
    server.deliver(client, 1.0)
    server.save()
    server.connect(client)
    server.deliver(client, 1.0)
    assert client.outcomes[1] is Outcome.LOST
    server.elsewhere(1)
    server.deliver(client, 1.0)
    assert client.outcomes == {1: Outcome.PROCESSED, 2: Outcome.SKIPPED_INTERVAL}
    assert server.books.totals.as_dict() | {"highest": 2, "processed": 1, "lost": 0} == server.books.totals.as_dict()


def test_a_result_of_a_frame_that_was_never_saved_raises_the_highest_number() -> None:
    books = Books(Totals(highest=5, received=5, skipped_interval=5))
    assert books.reopen([8]) == 0
    assert (books.totals.highest, books.totals.processed, books.totals.lost) == (8, 1, 2)
    assert books.arrive(7) is Outcome.LATE


@pytest.mark.parametrize("rows", [None, {}], ids=["of a new session", "kept by an older version"])
def test_books_without_rows_count_what_was_in_work_as_lost(rows: dict[str, Any] | None) -> None:
    books = Books(Totals(highest=3, received=3, skipped_interval=2, pending=1), rows)
    assert books.reopen([]) == 1
    assert (books.totals.pending, books.totals.lost, books.totals.accounted) == (0, 1, 3)


def test_journal_forgets_what_the_client_must_have_heard_and_nothing_else() -> None:
    journal = Journal()
    for number in (1, 2):
        journal.note(number, Outcome.SKIPPED_INTERVAL)
        journal.sent(number, Outcome.SKIPPED_INTERVAL)
    journal.note(3, Outcome.PENDING)
    journal.mark("a")
    journal.note(4, Outcome.LATE)
    journal.sent(4, Outcome.LATE)
    journal.heard("unknown")
    assert [told.number for told in journal.told] == [1, 2, 3, 4]
    journal.heard("a")
    assert [(told.number, told.outcome) for told in journal.told] == [(3, Outcome.PENDING), (4, Outcome.LATE)]
    journal.note(3, Outcome.REJECTED, reason="IMAGE_CORRUPT")
    assert journal.rows() == [(4, 6, ""), (3, 7, "IMAGE_CORRUPT")]
    assert Journal(journal.rows()).rows() == journal.rows()


def test_journal_is_bounded() -> None:
    journal = Journal()
    for number in range(1, 2000):
        journal.note(number, Outcome.SKIPPED_INTERVAL)
        journal.mark(str(number))
    assert [told.number for told in journal.told] == list(range(1488, 2000))
