"""Runs the profile service: ``python -m profile_svc``."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import AsyncIterator

from vitrine.profile.v1 import avatar_service_pb2_grpc, profile_service_pb2_grpc, stylist_service_pb2_grpc

from mesh.database import Database
from mesh.seats import Seats
from mesh.server import Registration, Runtime, Service, run
from profile_svc.servicers.not_yet import AvatarServicer, StylistServicer
from profile_svc.servicers.profiles import ProfileServicer
from profile_svc.settings import ProfileSettings
from profile_svc.storage.listener import ChangeListener
from profile_svc.use_cases.digests import DigestCache
from profile_svc.use_cases.privacy import Privacy
from profile_svc.use_cases.profiles import Profiles
from profile_svc.use_cases.sightings import Sightings
from profile_svc.use_cases.tastes import Tastes
from profile_svc.use_cases.watch import Watches

SCHEMA = "profile"


@contextlib.asynccontextmanager
async def build(runtime: Runtime[ProfileSettings]) -> AsyncIterator[Service]:
    """Puts the service together and takes it apart again.

    Args:
        runtime: What the mesh brings.

    Yields:
        The service.
    """
    settings = runtime.settings
    database = Database(
        settings.database_url,
        SCHEMA,
        "profile_svc.migrations",
        pool_size=settings.database_pool_size,
        statement_timeout_s=settings.database_statement_timeout_s,
    )
    digests = DigestCache(settings.tastes_kept)
    listener = ChangeListener(
        settings.database_url,
        Seats("watches", total=settings.max_watches, per_user=settings.max_watches_per_user),
        digests.forget,
    )
    watches = Watches(database, listener, runtime.stopping, heartbeat_s=settings.watch_heartbeat_s)
    tastes = Tastes(database, runtime.executor.run, _now, digests)
    servicer = ProfileServicer(
        Profiles(database, tastes, _now), Sightings(database, _now), tastes, watches, Privacy(database), _now
    )

    async def startup() -> None:
        await database.migrate()
        runtime.background(listener.run(), name="listen")

    try:
        yield Service(
            registrations=[
                Registration(
                    profile_service_pb2_grpc.add_ProfileServiceServicer_to_server,
                    servicer,
                    "vitrine.profile.v1.ProfileService",
                ),
                Registration(
                    avatar_service_pb2_grpc.add_AvatarServiceServicer_to_server,
                    AvatarServicer(),
                    "vitrine.profile.v1.AvatarService",
                ),
                Registration(
                    stylist_service_pb2_grpc.add_StylistServiceServicer_to_server,
                    StylistServicer(),
                    "vitrine.profile.v1.StylistService",
                ),
            ],
            startup=startup,
        )
    finally:
        await database.close()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def main() -> None:
    """Runs the service until it is told to stop."""
    run(ProfileSettings(), build)


if __name__ == "__main__":
    main()
