"""What the database holds, against a replay of the log."""

from __future__ import annotations

from mesh.database import Database
from profile_svc.storage import states
from profile_svc.taste.state import dump_state
from profile_svc.use_cases.sightings import rebuilt_state
from tests.services.profile.conftest import Mesh


async def assert_replay_agrees(mesh: Mesh, user_id: str) -> None:
    """What is stored equals a replay of the whole log, to the bit."""
    database = Database(mesh.database_url, "profile", "profile_svc.migrations", pool_size=1)
    try:
        async with database.begin() as connection:
            stored = await states.get_state(connection, user_id)
            assert dump_state(stored.state) == dump_state(await rebuilt_state(connection, user_id))
    finally:
        await database.close()
