"""The settings of this service."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from mesh.settings import DatabaseSettings, ObjectSettings, ServiceSettings


class RetrievalSettings(ObjectSettings, DatabaseSettings, ServiceSettings):
    """What can be set by ``VITRINE_...`` variables."""

    service_name: str = Field(
        default="retrieval", pattern=r"^[a-z][a-z0-9-]{0,31}$",
        description="Name of the service in tokens, traces and logs.",
    )  # fmt: skip
    grpc_port: int = Field(default=50053, ge=0, le=65535, description="Port of the gRPC server; 0 takes a free one.")
    metrics_port: int = Field(
        default=9103, ge=0, le=65535, description="Port of the Prometheus endpoint `/metrics`; 0 takes a free one."
    )
    objects_url: str = Field(
        default="file:///tmp/vitrine/retrieval/objects",
        description="Where pictures are kept: `file:///folder`, `memory://` or `s3://bucket/prefix`.",
    )
    vision_target: str = Field(default="127.0.0.1:50052", description="Where the vision service is, `host:port`.")
    vision_query_deadline_s: float = Field(
        default=5.0, gt=0, description="Time for the picture or words of a search, in seconds."
    )
    vision_batch_deadline_s: float = Field(
        default=30.0, gt=0, description="Time for a batch of 16 product pictures, in seconds."
    )
    index_engine: Literal["edge", "server"] = Field(
        default="edge", description="The vector engine: in this process, or a Qdrant server."
    )
    index_dir: Path = Field(
        default=Path("/tmp/vitrine/retrieval/index"),  # noqa: S108 - a default for one machine; it can be rebuilt
        description="Folder of the in-process index. It belongs to one process and can be lost: it is rebuilt.",
    )
    index_snapshot: Path | None = Field(
        default=None,
        description="File that gets a snapshot of every in-process index that is built, for "
        "`python -m retrieval_svc.snapshot restore`.",
    )
    qdrant_url: str = Field(default="http://127.0.0.1:6333", description="Where the Qdrant server is.")
    qdrant_api_key: SecretStr | None = Field(default=None, description="API key of the Qdrant server.")
    qdrant_collection: str = Field(
        default="vitrine-products", pattern=r"^[a-zA-Z0-9_-]{1,100}$",
        description="First part of the names of this service's collections on the Qdrant server.",
    )  # fmt: skip
    index_poll_s: float = Field(
        default=1.0, gt=0, description="How often changes that other replicas made are looked for, in seconds."
    )
    backfill_poll_s: float = Field(
        default=2.0, gt=0, description="Pause of the worker for missing vectors when nothing waits, in seconds."
    )
    model_probe_s: float = Field(
        default=60.0, gt=0, description="How often the vision service is asked for its model, in seconds."
    )
    exact_limit: int = Field(
        default=2000, ge=1, le=100_000,
        description="Up to so many eligible products all of them are scored; beyond, the graph gives candidates.",
    )  # fmt: skip
    search_candidates: int = Field(
        default=1000, ge=100, le=10_000, description="Candidates that the graph gives for a search."
    )
    match_candidates: int = Field(
        default=300, ge=30, le=10_000, description="Candidates that the graph gives for each garment of an outfit."
    )
    recall_sample_share: float = Field(
        default=0.005, ge=0, le=1, description="Share of the searches on the graph whose recall is measured, 0-1."
    )
    deleted_products_kept_days: float = Field(
        default=30.0,
        ge=1,
        description="How long an index may be away and still learn which products are gone, in days.",
    )
    import_rejections_kept_days: float = Field(
        default=90.0, ge=1, description="How long the refused rows of an import can be listed after its end, in days."
    )
    retention_pause_s: float = Field(
        default=3600.0, gt=0, description="How often what was kept long enough is removed, in seconds."
    )
