"""Plans of streams in which the network or the camera fails."""

from __future__ import annotations

from vitrine.sdk.faults import inject, read_fault
from vitrine.sdk.plans import Plan

from tests.chaos.riders import WAYS
from tests.chaos.scenes import FPS, SECONDS, STRICT

# Within seven seconds each of them happens.
FAULTS: dict[str, list[str]] = {
    "stall": ["stall:at=1.5,lasts=1-2,every=4"],
    "loss": ["loss:share=0.2,run=3"],
    "burst": ["burst:at=1,lasts=2,every=5"],
    "reorder": ["reorder:share=0.2,by=3"],
    "duplicate": ["duplicate:share=0.3,after=0-0.5"],
    "corrupt": ["corrupt:share=0.3"],
    "disconnect": ["disconnect:at=1.5,lasts=0.2-0.6,every=2.5"],
    "all of them": [
        "stall:at=3,lasts=1", "loss:share=0.1,run=2", "burst:at=1,lasts=1", "reorder:share=0.1", "duplicate:share=0.1",
        "corrupt:share=0.1,how=cut", "disconnect:at=2.5,lasts=0.3",
    ],
}  # fmt: skip
_ONE_WAY = dict(
    zip(FAULTS, ("grpc", "ws-proto", "ws-json", "grpc", "ws-proto", "grpc", "ws-proto", "ws-json"), strict=True)
)
# The default suite rides all faults at once, each on one way; `make chaos` rides each fault on every way.
ROUNDS = {kind: [(kind, way) for way in WAYS] for kind in FAULTS} if STRICT else {"each": list(_ONE_WAY.items())}


def plan_of(kind: str) -> Plan:
    """Makes the plan of a stream with a fault.

    Args:
        kind: One of `FAULTS`.
    """
    return inject(Plan.steady(round(SECONDS * FPS), FPS), [read_fault(it) for it in FAULTS[kind]], seed=4)
