"""What an erasure leaves behind: a receipt that proves what was removed and does not tell whose it was. Pure."""

from __future__ import annotations

import enum
import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


class Store(enum.StrEnum):
    """Where a kind of thing is stored."""

    ROWS = "rows"
    OBJECTS = "objects"
    VECTORS = "vectors"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Erased:
    """What was removed of one kind.

    Attributes:
        service: The service that kept it.
        store: Where.
        kind: What.
        item_count: How many.
        ids_sha256: Hash of their ids, see `ids_digest`.
        erase_time: When they were gone.
    """

    service: str
    store: Store
    kind: str
    item_count: int
    ids_sha256: str
    erase_time: datetime

    @classmethod
    def of(cls, service: str, store: Store, kind: str, ids: Iterable[str], erase_time: datetime) -> Erased:
        """Makes the entry for items with known ids.

        Args:
            service: The service that kept them.
            store: Where.
            kind: What.
            ids: Their ids.
            erase_time: When they were gone.
        """
        listed = list(ids)
        return cls(service, store, kind, len(listed), ids_digest(listed), erase_time)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of one erasure.

    Attributes:
        receipt_id: Its id; random.
        start_time: When it began.
        end_time: When the last item was gone.
        erased: What was removed.
        sha256: Hash of all the rest, see `receipt_digest`.
    """

    receipt_id: uuid.UUID
    start_time: datetime
    end_time: datetime
    erased: Sequence[Erased]
    sha256: str


def ids_digest(ids: Sequence[str]) -> str:
    """Returns SHA-256 in hex over the sorted ids, joined by line feeds; empty for none."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest() if ids else ""


def make_receipt(receipt_id: uuid.UUID, start: datetime, end: datetime, erased: Sequence[Erased]) -> Receipt:
    """Makes a receipt with its hash.

    Args:
        receipt_id: A random id.
        start: When the erasure began.
        end: When it ended.
        erased: What was removed.
    """
    content = canonical(receipt_id, start, end, erased)
    return Receipt(receipt_id, start, end, tuple(erased), hashlib.sha256(content.encode()).hexdigest())


def canonical(receipt_id: uuid.UUID, start: datetime, end: datetime, erased: Sequence[Erased]) -> str:
    """Returns the JSON over which the hash of a receipt goes: keys sorted, no spaces, times in RFC 3339 and UTC."""
    content = {
        "receipt_id": str(receipt_id),
        "start_time": rfc3339(start),
        "end_time": rfc3339(end),
        "erased": entries(erased),
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def entries(erased: Sequence[Erased]) -> list[dict[str, str | int]]:
    """Returns the entries of a receipt as JSON values."""
    return [
        {
            "service": entry.service,
            "store": entry.store.value,
            "kind": entry.kind,
            "item_count": entry.item_count,
            "ids_sha256": entry.ids_sha256,
            "erase_time": rfc3339(entry.erase_time),
        }
        for entry in erased
    ]


def rfc3339(time: datetime) -> str:
    """Returns a time in UTC with microseconds, for example ``2026-01-31T12:00:00.000000Z``."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
