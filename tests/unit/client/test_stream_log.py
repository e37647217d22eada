"""What a stream's log counts, what comparing the books says, and that neither grows with the stream."""

from __future__ import annotations

import grpc
import pytest
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk import CameraFrame, Reconnected, RpcFailure
from vitrine.sdk.frame_ledger import FrameLedger
from vitrine.sdk.reconciling import ClientCount, reconcile
from vitrine.sdk.stream_log import Latency, StreamLog, Timeline

pytestmark = pytest.mark.unit
FRAME = CameraFrame(b"jpeg", 0.0)
SAME, SOON = frame_pb2.FRAME_OUTCOME_SKIPPED_SAME_SCENE, frame_pb2.FRAME_OUTCOME_SKIPPED_INTERVAL
PENDING, PROCESSED = frame_pb2.FRAME_OUTCOME_PENDING, frame_pb2.FRAME_OUTCOME_PROCESSED


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock) -> StreamLog:
    return StreamLog(FrameLedger(), clock)


def ack(log: StreamLog, number: int, outcome: frame_pb2.FrameOutcome.ValueType) -> None:
    """As a stream does it: its ledger first, and nothing twice."""
    said = frame_pb2.FrameAck(frame_number=number, outcome=outcome)
    if log.ledger.ack(said):
        log.take(pb.StreamFramesResponse(ack=said))


def test_latency_runs_from_sending_to_the_first_answer_and_to_the_result(log: StreamLog, clock: Clock) -> None:
    log.taken(1, FRAME)
    log.sent(1)
    clock.now += 0.02
    ack(log, 1, PENDING)
    clock.now += 0.3
    ack(log, 1, PROCESSED)
    log.take(pb.StreamFramesResponse(result=frame_pb2.StreamResult(frame_number=1)))
    assert Latency.of(log.ack_ms).p50 == pytest.approx(20)
    assert Latency.of(log.result_ms).p50 == pytest.approx(320)
    assert log.acked.count == 1, "two acknowledgements of one frame are one answer"
    assert log.ledger.counts()["processed"] == 1
    assert Latency.of([]) == Latency()
    assert Latency.of([float(it) for it in range(1, 101)]) == Latency(50.5, 96.0, 100.0)


def test_rates_are_of_the_last_seconds(log: StreamLog, clock: Clock) -> None:
    for number in range(1, 101):  # ten a second for ten seconds
        log.taken(number, FRAME)
        clock.now += 0.1
    assert log.camera.lately(log.elapsed_s) == pytest.approx(10, abs=0.3)
    assert log.camera.mean() == pytest.approx(10)
    clock.now += 2.5
    assert log.camera.mean() == pytest.approx(10), "the camera has ended"
    assert log.camera.lately(log.elapsed_s) == pytest.approx(5, abs=0.3)
    clock.now += 60
    assert log.camera.lately(log.elapsed_s) == 0
    assert log.camera.count == 100


def test_a_stall_that_is_over_is_the_one_that_began(log: StreamLog, clock: Clock) -> None:
    clock.now += 10
    stall = pb.StreamStall(kind=pb.STALL_KIND_SILENCE, description="nothing comes")
    stall.start_time.FromSeconds(1000)
    stall.duration.FromSeconds(1)
    log.take(pb.StreamFramesResponse(stall=stall))
    assert log.stall is not None
    assert not log.stall.over
    clock.now += 2
    over = pb.StreamStall()
    over.CopyFrom(stall)
    over.over = True
    over.duration.FromSeconds(3)
    log.take(pb.StreamFramesResponse(stall=over))
    another = pb.StreamStall(kind=pb.STALL_KIND_BURST)
    another.start_time.FromSeconds(1010)
    log.take(pb.StreamFramesResponse(stall=another))
    assert [(mark.kind, mark.at_s, mark.lasts_s) for mark in log.marks] == [("silence", 9.0, 3.0), ("burst", 12.0, 0.0)]


def test_broken_connection_is_marked_where_it_broke(log: StreamLog, clock: Clock) -> None:
    clock.now += 8
    log.take(Reconnected(RpcFailure(grpc.StatusCode.UNAVAILABLE, "gone", "", {}, {}, None, ""), 1.5, 0))
    (mark,) = log.marks
    assert (mark.kind, mark.at_s, mark.lasts_s) == ("reconnect", 6.5, 1.5)
    assert log.client().reconnects == 1


def test_timeline_of_a_day_keeps_every_frame_in_few_bins() -> None:
    timeline = Timeline()
    for second in range(0, 86_400, 3):
        timeline.add(float(second), "sent")
    assert len(timeline.bins) <= 300
    assert sum(it["sent"] for it in timeline.bins) == 28_800
    middle = [it["sent"] for it in timeline.bins[1:-2]]
    assert max(middle) - min(middle) <= 1
    assert timeline.width_s * len(timeline.bins) >= 86_397


def test_log_of_a_long_stream_keeps_little(log: StreamLog, clock: Clock) -> None:
    for number in range(1, 20_001):
        clock.now += 0.1
        log.taken(number, FRAME)
        log.sent(number)
        log.take(pb.StreamFramesResponse(result=frame_pb2.StreamResult(frame_number=number)))
    kept = (log.marks, log.ack_ms, log.result_ms, log._awaited, log._keys, log.timeline.bins)
    assert max(len(it) for it in kept) <= 10_000
    assert len(log._awaited) <= 5_000
    assert log.result_count == 20_000


def totals(**counts: int) -> frame_pb2.FrameTotals:
    highest = counts.pop("highest")
    return frame_pb2.FrameTotals(highest_frame_number=highest, **{f"{name}_count": it for name, it in counts.items()})


def heard(*outcomes: frame_pb2.FrameOutcome.ValueType) -> FrameLedger:
    """The ledger of a client that was told these, from number 1 on; UNSPECIFIED for nothing."""
    ledger = FrameLedger()
    ledger.ready(0)
    for number, outcome in enumerate(outcomes, 1):
        if outcome:
            ledger.ack(frame_pb2.FrameAck(frame_number=number, outcome=outcome))
    return ledger


TEN = heard(*[PROCESSED] * 10)
NINE = heard(*[PROCESSED] * 4, frame_pb2.FRAME_OUTCOME_UNSPECIFIED, *[PROCESSED] * 5)


def test_books_that_agree() -> None:
    server = totals(highest=10, received=10, processed=9, duplicate=1)
    assert not reconcile(ClientCount(10, 10, 10, 1, NINE), server).adds_up, "one number has no end"
    server.lost_count = 1
    books = reconcile(ClientCount(10, 10, 10, 1, NINE), server)
    assert (books.adds_up, books.expected, books.unexpected) == (True, (), ())


@pytest.mark.parametrize(
    ("client", "server", "expected", "unexpected"),
    [
        pytest.param(
            ClientCount(12, 10, 10, 0, TEN),
            totals(highest=10, received=10, processed=10),
            ("2 numbered at the very end and never sent",),
            (),
            id="dropped at the end",
        ),
        pytest.param(
            ClientCount(10, 10, 9, 0, NINE),
            totals(highest=10, received=9, processed=9, lost=1),
            (),
            (),
            id="dropped in the middle",
        ),
        pytest.param(
            ClientCount(10, 10, 10, 0, NINE, reconnects=1),
            totals(highest=10, received=9, processed=9, lost=1),
            ("10 sent, 9 arrived",),
            (),
            id="swallowed by a broken connection",
        ),
        pytest.param(
            ClientCount(10, 10, 10, 0, NINE),
            totals(highest=10, received=9, processed=9, lost=1),
            (),
            ("10 sent, 9 arrived",),
            id="swallowed by nobody",
        ),
        pytest.param(
            ClientCount(10, 10, 10, 0, TEN, reconnects=1),
            totals(highest=10, received=10, processed=9, late=1),
            (),
            ("processed: 10 here, 9 on the server", "late: 0 here, 1 on the server"),
            id="said and not counted",
        ),
        pytest.param(
            ClientCount(10, 10, 10, 0, NINE, reconnects=1),
            totals(highest=10, received=10, processed=9, lost=1),
            ("lost: 1 on the server, 0 never arrived",),
            (),
            id="died with its process",
        ),
        pytest.param(
            ClientCount(10, 10, 11, 2, TEN),
            totals(highest=10, received=11, processed=10, duplicate=1),
            (),
            ("2 copies acknowledged, 1 on the server",),
            id="a copy too many",
        ),
    ],
)
def test_books_that_differ_say_where(
    client: ClientCount, server: frame_pb2.FrameTotals, expected: tuple[str, ...], unexpected: tuple[str, ...]
) -> None:
    books = reconcile(client, server)
    assert books.adds_up
    assert len(books.expected) == len(expected)
    assert all(said.startswith(words) for said, words in zip(books.expected, expected, strict=True))
    assert books.unexpected == unexpected
    assert books.agrees == (not unexpected)


def test_what_a_killed_server_said_is_void_where_it_was_not_saved(log: StreamLog) -> None:
    for number in (1, 2, 3, 4):
        log.taken(number, FRAME)
        log.sent(number)
        ack(log, number, SAME)
    ready = pb.StreamReady()
    ready.totals.highest_frame_number = 2
    log.take(Reconnected(RpcFailure(grpc.StatusCode.UNAVAILABLE, "gone", "", {}, {}, None, ""), 1.0, 0))
    log.ledger.ready(2)
    log.take(pb.StreamFramesResponse(ready=ready))
    log.taken(5, FRAME)
    log.sent(5)
    ack(log, 5, SAME)
    server = totals(highest=5, received=3, skipped_same_scene=3, lost=2)
    assert reconcile(log.client(), server).unexpected == ()
