"""How many streams a user has open over all processes: each connected session holds a lease, which its saves renew.

A process that dies lets go of its leases by their end. A session that is resumed takes its own lease over.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest_svc.storage.stream_tables import streams
from ingest_svc.streams.limits.elsewhere import OpenStream
from mesh.seats import seats_taken


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """How many streams a user may have open.

    Attributes:
        per_user: So many.
        lease_s: How long after its last save a session still counts as connected, seconds.
        retry_after_s: When who has too many may come again, seconds.
    """

    per_user: int = 20
    lease_s: float = 15.0
    retry_after_s: float = 5.0


async def take_turn(connection: AsyncConnection, user: str) -> None:
    """Waits until no other process opens a stream for the user; ends with the transaction.

    Args:
        connection: The transaction.
        user: The user's id.
    """
    digest = hashlib.sha256(f"streams/{user}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


async def check(connection: AsyncConnection, user: str, stream_id: uuid.UUID, policy: LeasePolicy) -> None:
    """Lets a session be connected.

    Args:
        connection: A transaction that has its turn.
        user: The user's id.
        stream_id: The session; its own lease does not count.
        policy: The limit.

    Raises:
        ResourceExhaustedError: CAPACITY_REACHED, when the user has too many open, wherever they are.
    """
    taken = await connection.scalar(
        sa.select(sa.func.count())
        .select_from(streams)
        .where(
            streams.c.user_id == user, streams.c.connected_until_time > sa.func.now(), streams.c.id != stream_id
        )
    )  # fmt: skip
    if taken is not None and taken >= policy.per_user:
        raise seats_taken("streams", "user", policy.per_user, policy.retry_after_s)


async def open_elsewhere(
    connection: AsyncConnection, users: Collection[str], here: Collection[str]
) -> list[OpenStream]:
    """Returns the open streams of users, but for those of this process.

    Args:
        connection: A transaction.
        users: The users.
        here: The ids of the streams that are open in this process.
    """
    until = streams.c.connected_until_time  # a fixed time after the last save
    statement = sa.select(
        streams.c.id, streams.c.user_id, sa.extract("epoch", until).label("until_s"),
        streams.c.totals["received"].as_integer().label("received"),
    ).where(
        streams.c.user_id.in_(users), until > sa.func.now(), streams.c.id.not_in([uuid.UUID(one) for one in here])
    )  # fmt: skip
    rows = await connection.execute(statement)
    return [OpenStream(str(row.id), row.user_id, float(row.until_s), row.received or 0) for row in rows]
