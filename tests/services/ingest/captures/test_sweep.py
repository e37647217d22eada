"""The sweep of the object store, on a real database and a real folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest_svc.captures.capture import new_capture_id, object_key_of
from ingest_svc.captures.upkeep import Upkeep, UpkeepPolicy
from mesh.database import Database
from mesh.metrics import Metrics
from mesh.objects import ObjectStore
from tests.services.ingest.captures.conftest import Mesh, User

pytestmark = pytest.mark.service
_ORPHANS = 5


class Watched(Database):
    """Knows how many of its transactions are open."""

    open = 0

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with super().begin() as connection:
            self.open += 1
            try:
                yield connection
            finally:
                self.open -= 1


async def test_no_transaction_is_open_while_the_store_is_asked(
    mesh: Mesh, user: User, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the oldest snapshot of the database would be as old as the sweep is long."""
    monkeypatch.setattr("ingest_svc.captures.upkeep._BATCH", 2)
    kept = (await user.create(photo)).name.rsplit("/", 1)[-1]
    objects, database = ObjectStore(mesh.settings.objects_url), Watched(mesh.settings.database_url, "ingest", "-")
    now = datetime.now(UTC)
    for _ in range(_ORPHANS):
        old = new_capture_id(now - timedelta(hours=2), os.urandom(10))
        await objects.put(object_key_of(old), b"x")
    delete, seen = objects.delete, list[int]()

    async def watched(key: str) -> bool:
        seen.append(database.open)
        return await delete(key)

    monkeypatch.setattr(objects, "delete", watched)
    nobody: Any = None
    upkeep = Upkeep(
        nobody, database, objects, nobody, nobody, Metrics(), UpkeepPolicy(orphan_age_s=3600.0),
        clock=lambda: datetime.now(UTC),
    )  # fmt: skip
    try:
        assert await upkeep.sweep() == _ORPHANS
        assert seen == [0] * _ORPHANS
        assert [path.stem for path in mesh.pictures() if path.stem == kept]
        async with database.turn(0x76696E67_02):  # somebody else is at it
            assert await upkeep.sweep() == 0
    finally:
        await database.close()
