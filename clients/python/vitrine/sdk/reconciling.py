"""Whether client and server have counted the same frames, and where not, which."""

from __future__ import annotations

from dataclasses import dataclass

from vitrine.ingest.v1 import frame_pb2
from vitrine.sdk.frame_ledger import FrameLedger
from vitrine.sdk.outcomes import ENDS, totals_of


@dataclass(frozen=True, slots=True)
class ClientCount:
    """What a client counted of one stream.

    Attributes:
        numbered: Numbers it gave out.
        highest_sent: The highest of those it sent.
        sent: Frames it sent, copies included.
        copies: Copies that were acknowledged as such.
        ledger: What it was told of each number.
        reconnects: How often its connection broke.
    """

    numbered: int
    highest_sent: int
    sent: int
    copies: int
    ledger: FrameLedger
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What comparing the books says.

    Attributes:
        adds_up: Whether the server's own totals add up to the highest number it has seen.
        expected: Differences that a broken connection or frames dropped at the very end bring about.
        unexpected: Differences that nothing explains.
    """

    adds_up: bool
    expected: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing is left unexplained."""
        return self.adds_up and not self.unexpected


def reconcile(client: ClientCount, totals: frame_pb2.FrameTotals) -> Reconciliation:
    """Compares the client's count with the server's totals at the end of a stream.

    Args:
        client: The client's.
        totals: The server's last.
    """
    server = totals_of(totals)
    expected: list[str] = []
    unexpected: list[str] = []
    adds_up = sum(server[name] for name in ENDS) == server["highest"]
    unseen = client.numbered - client.highest_sent
    if unseen:
        expected.append(f"{unseen} numbered at the very end and never sent: no server can know of them")
    broke = expected if client.reconnects else unexpected
    if server["highest"] != client.highest_sent:
        broke.append(f"highest number sent {client.highest_sent}, highest arrived {server['highest']}")
    if server["received"] != client.sent:
        broke.append(f"{client.sent} sent, {server['received']} arrived")
    if server["duplicate"] != client.copies:
        broke.append(f"{client.copies} copies acknowledged, {server['duplicate']} on the server")
    for name, (ours, theirs) in client.ledger.differences(totals).items():
        unexpected.append(f"{name.replace('_', ' ')}: {ours} here, {theirs} on the server")
    never = server["highest"] - (server["received"] - server["duplicate"])
    if server["lost"] != never:
        # A keyframe whose process died counts as lost although it had arrived.
        broke.append(f"lost: {server['lost']} on the server, {never} never arrived")
    return Reconciliation(adds_up, tuple(expected), tuple(unexpected))
