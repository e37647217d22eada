"""How the result of a capture is kept: as the message that its owner will read.

It is kept twice: whole, and without masks, outlines and matches for lists, which would otherwise weigh megabytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from google.rpc import status_pb2
from vitrine.ingest.v1 import capture_pb2
from vitrine.profile.v1 import taste_pb2

from ingest_svc.captures.capture import Capture
from ingest_svc.captures.outfit import OutfitOutcome
from ingest_svc.captures.pipeline import TASTE
from mesh.errors import VitrineError
from mesh.status import status_of


@dataclass(frozen=True, slots=True)
class Kept:
    """A serialized `vitrine.ingest.v1.Capture` that holds `models` and the result only.

    Attributes:
        detail: All of it.
        summary: What lists show.
    """

    detail: bytes
    summary: bytes


def keep(outcome: OutfitOutcome) -> Kept:
    """Serializes what came out of an OUTFIT capture.

    Args:
        outcome: What came out.
    """
    whole = capture_pb2.Capture()
    whole.models.extend(outcome.models)
    result = whole.outfit
    result.SetInParent()
    result.person_count = outcome.analysis.person_count
    result.quality.extend(outcome.analysis.quality)
    result.matches.extend(outcome.matches)
    for garment in outcome.analysis.garments:
        kept = result.garments.add()
        kept.CopyFrom(garment)
        kept.ClearField("embedding")  # a vector of a person's clothes belongs to the profile, not to a second place
    if outcome.taste_change is not None:
        result.taste_change.CopyFrom(outcome.taste_change)
    result.taste_pending = outcome.taste_pending
    result.used_context.extend(outcome.used_context)
    result.unused_context.extend(outcome.unused_context)
    return _kept(whole)


def settle_taste(detail: bytes, change: taste_pb2.TasteChange | None) -> Kept:
    """Serializes a result anew whose taste was pending and is no longer.

    Args:
        detail: As it was kept.
        change: What the profile answered; None when there is no change.
    """
    whole = read(detail)
    whole.outfit.taste_pending = False
    if change is not None:
        whole.outfit.taste_change.CopyFrom(change)
    return _kept(whole)


def _kept(whole: capture_pb2.Capture) -> Kept:
    detail = whole.SerializeToString()
    return Kept(detail, _summary(whole))


def _summary(whole: capture_pb2.Capture) -> bytes:
    whole.outfit.ClearField("matches")
    for garment in whole.outfit.garments:
        garment.ClearField("mask")
        garment.ClearField("outlines")
    return whole.SerializeToString()


def read(detail: bytes) -> capture_pb2.Capture:
    """Reads what `keep` wrote.

    Args:
        detail: The bytes; empty gives an empty message.
    """
    return capture_pb2.Capture.FromString(detail)


def taste_pending(capture: Capture) -> bool:
    """Tells whether the profile has yet to be told of a capture that succeeded without it."""
    return TASTE in capture.degraded_parts and read(capture.detail).outfit.taste_pending


def error_bytes(error: VitrineError, request_id: str = "") -> bytes:
    """Serializes an error as the `google.rpc.Status` that the owner of the capture will read.

    Args:
        error: Why an attempt failed.
        request_id: Id of the request behind it.
    """
    data: bytes = status_of(error, request_id).SerializeToString()
    return data


def read_error(data: bytes) -> status_pb2.Status:
    """Reads what `error_bytes` wrote."""
    return status_pb2.Status.FromString(data)
