"""The settings of the profile service."""

from __future__ import annotations

from pydantic import Field

from mesh.settings import DatabaseSettings, ServiceSettings


class ProfileSettings(DatabaseSettings, ServiceSettings):
    """What the profile service can be told; every field is an environment variable with the prefix `VITRINE_`."""

    service_name: str = Field(
        default="profile", pattern=r"^[a-z][a-z0-9-]{0,31}$",
        description="Name of the service in tokens, traces and logs.",
    )  # fmt: skip
    grpc_port: int = Field(default=50054, ge=0, le=65535, description="Port of the gRPC server; 0 takes a free one.")
    metrics_port: int = Field(
        default=9104, ge=0, le=65535, description="Port of the Prometheus endpoint `/metrics`; 0 takes a free one."
    )
    max_watches: int = Field(
        default=1000, ge=1, description="WatchProfile streams that this replica serves at once; more are refused."
    )
    max_watches_per_user: int = Field(
        default=20, ge=1, description="WatchProfile streams of one user among them; more are refused."
    )
    tastes_kept: int = Field(
        default=64, ge=0,
        description="Users whose tastes this replica keeps ready while nothing new is recorded of them, 1 MB each; "
        "0 finds them anew each time.",
    )  # fmt: skip
    watch_heartbeat_s: float = Field(
        default=20.0, gt=0, description="Time without an event after which a watch gets a heartbeat, in seconds."
    )
