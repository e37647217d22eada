"""The settings that every service has, and how they are shown in a README."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_PREFIX = "VITRINE_"


class ServiceSettings(BaseSettings):
    """Settings common to all services.

    Each process has an environment of its own, so that all services share the prefix ``VITRINE_``. A service derives
    from this class, gives `service_name` and its ports a default, and adds its fields; `__main__` builds it once.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    service_name: str = Field(
        default="vitrine", pattern=r"^[a-z][a-z0-9-]{0,31}$",
        description="Name of the service in tokens, traces and logs.",
    )  # fmt: skip
    host: str = Field(default="127.0.0.1", description="Address that the servers listen on.")
    grpc_port: int = Field(default=0, ge=0, le=65535, description="Port of the gRPC server; 0 takes a free one.")
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the Prometheus endpoint `/metrics`; 0 takes a free one."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe log lines that are written."
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="One JSON object per line, or coloured text for people."
    )
    jwks: str | None = Field(
        default=None,
        description="File path or URL of the JSON Web Key Set that tokens are checked with, beside the key of "
        "`VITRINE_SERVICE_KEY_FILE`. Without it every call is refused.",
    )
    jwks_cache_s: float = Field(
        default=300.0, gt=0, description="How long fetched keys are used before they are read again, in seconds."
    )
    token_issuer: str = Field(default="vitrine", description="The `iss` that a token must have.")
    token_audience: str = Field(default="vitrine", description="The `aud` that a token must have.")
    service_key_file: Path | None = Field(
        default=None,
        description="File with the ES256 private key (PEM) that this service signs its own tokens with. "
        "Without it, calls to other services carry no token.",
    )
    service_token_ttl_s: float = Field(
        default=300.0, ge=10, le=3600, description="Lifetime of the tokens that this service signs, in seconds."
    )
    service_token_keys: str = Field(
        default="",
        description="Keys that may sign the role `service`, as RFC 7638 thumbprints (the ids that our own keys have), "
        "comma-separated. Empty: only the key of `VITRINE_SERVICE_KEY_FILE`; without that, none.",
    )
    operator_token_keys: str = Field(
        default="",
        description="Keys that may sign the role `operator`, as RFC 7638 thumbprints, comma-separated. "
        "Empty: every key that tokens are checked with.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="Target `host:port` of an OpenTelemetry collector (OTLP over gRPC). "
        "Without it no traces are exported.",
    )
    max_message_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1024, description="Largest gRPC message that is taken or sent, in bytes."
    )
    max_metadata_bytes: int = Field(
        default=16 * 1024, ge=8 * 1024,
        description="Largest metadata of one call, token included, in bytes as HTTP/2 counts them: 32 more for each "
        "entry.",
    )  # fmt: skip
    max_concurrent_streams: int = Field(
        default=1000, ge=1, description="RPCs that one connection may have open at once."
    )
    default_deadline_s: float = Field(
        default=30.0, gt=0, description="Time limit of a unary call whose caller gave none, in seconds."
    )
    drain_delay_s: float = Field(
        default=0.0, ge=0, le=60,
        description="Time between reporting NOT_SERVING and refusing new calls at shutdown, in seconds; "
        "5 behind a load balancer that polls.",
    )  # fmt: skip
    shutdown_grace_s: float = Field(
        default=10.0, ge=0, le=300, description="Time that open calls get to end at shutdown, in seconds."
    )
    executor_threads: int = Field(
        default=1, ge=1, le=64, description="Threads of the executor on which models and decoding run."
    )
    executor_queue: int = Field(
        default=64, ge=1, description="Jobs that may wait for the executor; more are refused with RESOURCE_EXHAUSTED."
    )


class DatabaseSettings(BaseSettings):
    """What a service with a database adds: ``class IngestSettings(DatabaseSettings, ServiceSettings)``."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: SecretStr = Field(
        default=SecretStr("postgresql+psycopg://vitrine@127.0.0.1:50432/vitrine"),
        description="Where PostgreSQL is, as `postgresql+psycopg://user:password@host:port/database`.",
    )
    database_pool_size: int = Field(
        default=10, ge=1, le=200, description="Connections that this process keeps open to the database."
    )
    database_statement_timeout_s: float = Field(
        default=30.0, gt=0, description="Time after which the database gives a statement up, in seconds."
    )


class ObjectSettings(BaseSettings):
    """What a service that keeps objects adds; it gives `objects_url` a default of its own.

    Where a field is empty, S3 goes by the usual ``AWS_...`` variables and roles.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    objects_url: str = Field(
        default="file:///tmp/vitrine/objects",
        description="Where objects are kept: `file:///folder` or `s3://bucket/prefix`.",
    )
    s3_endpoint: str | None = Field(default=None, description="Endpoint of an S3 store other than Amazon's, as a URL.")
    s3_access_key_id: SecretStr | None = Field(default=None, description="Access key of the S3 store.")
    s3_secret_access_key: SecretStr | None = Field(default=None, description="Secret key of the S3 store.")
    s3_region: str | None = Field(default=None, description="Region of the S3 store.")

    def s3_options(self) -> dict[str, object]:
        """Returns what `mesh.objects.ObjectStore` is told about S3."""
        options: dict[str, object] = {}
        if self.s3_region:
            options["region"] = self.s3_region
        if self.s3_endpoint:
            options["endpoint"] = self.s3_endpoint
            options["client_options"] = {"allow_http": self.s3_endpoint.startswith("http://")}
        if self.s3_access_key_id and self.s3_secret_access_key:
            options["access_key_id"] = self.s3_access_key_id.get_secret_value()
            options["secret_access_key"] = self.s3_secret_access_key.get_secret_value()
        return options


def metadata_options(settings: ServiceSettings) -> list[tuple[str, int]]:
    """Returns gRPC's options for the size of metadata, the same for servers and channels.

    gRPC has two limits, 8 and 16 KiB unless told otherwise, and refuses by chance what lies between them. With one
    limit the same call always ends the same way.

    Args:
        settings: The settings of the service.
    """
    limit = settings.max_metadata_bytes
    return [("grpc.max_metadata_size", limit), ("grpc.absolute_max_metadata_size", limit)]


def settings_table(cls: type[BaseSettings]) -> str:
    """Renders the settings of a service as a Markdown table, for its README.

    Args:
        cls: The settings class.

    Returns:
        A table with one row per field: environment variable, default, meaning; without a newline at the end.
    """
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, info in cls.model_fields.items():
        variable = f"{ENV_PREFIX}{name}".upper()
        rows.append(
            f"| `{variable}` | {_default_text(info.get_default(call_default_factory=True))} | {info.description} |"
        )
    return "\n".join(rows)


def _default_text(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if default is None or default == "":
        return "none"
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    return f"`{default}`"


def main(arguments: list[str]) -> None:
    """Prints the table of `package.module:Class`.

    Args:
        arguments: One item, the class.
    """
    module, _, name = arguments[0].partition(":")
    sys.stdout.write(settings_table(getattr(importlib.import_module(module), name)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
