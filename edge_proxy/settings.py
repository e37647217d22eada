"""The settings of the edge, and what they are in each place where it runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Profile = Literal["loopback", "compose", "kubernetes"]
Targets = Annotated[tuple[str, ...], NoDecode]

_PORTS = {"ingest": 50051, "ingest_http": 50061, "vision": 50052, "retrieval": 50053, "profile": 50054}
# Where each profile finds a service. In Kubernetes these are headless services: one address per replica.
_HOSTS = {"loopback": "127.0.0.1", "compose": "{name}", "kubernetes": "{name}.vitrine.svc.cluster.local"}
_PACKAGE = Path(__file__).parent


class EdgeSettings(BaseSettings):
    """Settings of the edge, from the environment (`VITRINE_` and the name in capitals) or the command line."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_", frozen=True, extra="ignore", env_ignore_empty=True)

    profile: Profile = Field(
        default="loopback", description="Where it runs; decides the defaults of addresses and health checks."
    )
    host: str = Field(default="", description="Address to listen on; 127.0.0.1 on loopback, else 0.0.0.0.")
    port: int = Field(default=8080, ge=1, le=65535, description="The one port for gRPC, gRPC-Web, JSON and WebSocket.")
    admin_port: int = Field(
        default=9901, ge=1, le=65535, description="Port of Envoy's admin pages; on 127.0.0.1 only, whatever `host` is."
    )
    metrics_port: int = Field(
        default=9100, ge=0, le=65535,
        description="Port on `host` that serves `/stats/prometheus` and `/ready` of the admin pages, and nothing else; "
        "0 turns it off.",
    )  # fmt: skip
    ingest_targets: Targets = Field(default=(), description="gRPC addresses of ingest, `host:port`, comma-separated.")
    ingest_http_targets: Targets = Field(default=(), description="HTTP addresses of ingest (WebSocket, `/health`).")
    vision_targets: Targets = Field(default=(), description="gRPC addresses of vision.")
    retrieval_targets: Targets = Field(default=(), description="gRPC addresses of retrieval.")
    profile_targets: Targets = Field(default=(), description="gRPC addresses of profile.")
    jwks: str = Field(description="File or URL of the JSON Web Key Set that tokens are checked with.")
    token_issuer: str = Field(default="vitrine", description="The `iss` that a token must have.")
    token_audience: str = Field(default="vitrine", description="The `aud` that a token must have.")
    allowed_origins: Targets = Field(
        default=("http://localhost:*", "http://127.0.0.1:*"),
        description="Origins whose pages may call, comma-separated; `*` stands for any run of characters but `/`.",
    )
    dashboard: Path | None = Field(default=None, description="Folder with the dashboard's files; without it none.")
    descriptors: Path = Field(default=Path(), description="The contract's descriptor set; by default the one shipped.")
    openapi: Path = Field(default=Path(), description="The OpenAPI document; by default the one shipped.")
    requests_per_second: int = Field(
        default=100, ge=1, description="Requests that one user may make per second, after a burst of twice as many."
    )
    total_requests_per_second: int = Field(
        default=5000, ge=1, description="Requests per second that one edge lets through in all, after such a burst."
    )
    unary_timeout_s: float = Field(default=60.0, gt=0, description="Longest unary call, in seconds.")
    stream_idle_timeout_s: float = Field(
        default=300.0, gt=0, description="Time without a byte after which a stream is closed, in seconds."
    )
    stream_max_duration_s: float = Field(
        default=15000.0, gt=0,
        description="Longest stream, in seconds; some minutes more than ingest's longest session, whose end has words.",
    )  # fmt: skip
    health_interval_s: float = Field(default=1.0, gt=0, description="Time between two health checks, in seconds.")
    max_message_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, description="Largest JSON message, in bytes.")
    max_heap_bytes: int = Field(
        default=512 * 1024 * 1024, ge=128 * 1024 * 1024,
        description="Memory that Envoy may fill, in bytes; near it the largest requests are dropped, then new ones "
        "refused. Leave it a third below the limit of the container.",
    )  # fmt: skip
    max_connections: int = Field(default=10_000, ge=1, description="Connections from clients at once.")
    access_log: str = Field(default="/dev/stdout", description="File that the access log goes to; `none` for none.")
    otlp_endpoint: str | None = Field(
        default=None, description="`host:port` of an OpenTelemetry collector (OTLP/gRPC)."
    )
    tls_certificate: Path | None = Field(
        default=None, description="PEM file with the certificate chain; without it the port speaks plain text."
    )
    tls_key: Path | None = Field(default=None, description="PEM file with the key of the certificate.")

    @field_validator(
        "ingest_targets", "ingest_http_targets", "vision_targets", "retrieval_targets", "profile_targets",
        "allowed_origins", mode="before",
    )  # fmt: skip
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def listen_address(self) -> str:
        """The address to listen on."""
        return self.host or ("127.0.0.1" if self.profile == "loopback" else "0.0.0.0")  # noqa: S104 - inside a container

    @property
    def targets(self) -> Mapping[str, tuple[str, ...]]:
        """The addresses of every upstream by its name: ingest, ingest_http, vision, retrieval, profile."""
        return {name: getattr(self, f"{name}_targets") or (self._default_target(name),) for name in _PORTS}

    @property
    def descriptors_file(self) -> Path:
        """The descriptor set to use."""
        return self._shipped(self.descriptors, "descriptors.binpb", "gen/descriptors.binpb")

    @property
    def openapi_file(self) -> Path:
        """The OpenAPI document to use."""
        return self._shipped(self.openapi, "vitrine.openapi.json", "gen/openapi/vitrine.openapi.json")

    def _default_target(self, name: str) -> str:
        return f"{_HOSTS[self.profile].format(name=name.removesuffix('_http'))}:{_PORTS[name]}"

    @staticmethod
    def _shipped(chosen: Path, in_package: str, in_tree: str) -> Path:
        if chosen != Path():
            return chosen.absolute()
        packaged = _PACKAGE / in_package
        return packaged if packaged.exists() else _PACKAGE.parent / in_tree
