"""Everything that can be set in ingest; the server and the worker share it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ingest_svc.captures.settings import CaptureSettings
from ingest_svc.streams.settings import StreamSettings
from mesh.settings import DatabaseSettings, ObjectSettings, ServiceSettings


class IngestSettings(StreamSettings, CaptureSettings, ObjectSettings, DatabaseSettings, ServiceSettings):
    """Settings of `ingest_svc`, from the environment: ``VITRINE_`` and the name in capitals."""

    service_name: str = Field(default="ingest", description="Name of the service in tokens, traces and logs.")
    grpc_port: int = Field(default=50051, ge=0, le=65535, description="Port of the gRPC server; 0 takes a free one.")
    metrics_port: int = Field(
        default=9101, ge=0, le=65535, description="Port of the Prometheus endpoint `/metrics`; 0 takes a free one."
    )
    objects_url: str = Field(
        default="file:///tmp/vitrine/ingest/objects",
        description="Where blurred crops are kept: `file:///folder` or `s3://bucket/prefix`.",
    )
    models_dir: Path = Field(
        default=Path("models"), description="Folder with the model files of `python -m imaging.models.fetch`."
    )
    picture_queue_bytes: int = Field(
        default=128 * 1024 * 1024, ge=1,
        description="Bytes of pictures, as they were sent, that may wait for the executor or be in its hands; more are "
        "refused with RESOURCE_EXHAUSTED. `VITRINE_EXECUTOR_QUEUE` bounds their number.",
    )  # fmt: skip
    vision_target: str = Field(default="127.0.0.1:50052", description="Where vision is, as `host:port`.")
    retrieval_target: str = Field(default="127.0.0.1:50053", description="Where retrieval is, as `host:port`.")
    profile_target: str = Field(default="127.0.0.1:50054", description="Where the profile is, as `host:port`.")
