"""The settings of the vision service."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from mesh.settings import ServiceSettings


class VisionSettings(ServiceSettings):
    """What the vision service can be told; every field is an environment variable with the prefix `VITRINE_`."""

    service_name: str = Field(
        default="vision", pattern=r"^[a-z][a-z0-9-]{0,31}$",
        description="Name of the service in tokens, traces and logs.",
    )  # fmt: skip
    grpc_port: int = Field(default=50052, ge=0, le=65535, description="Port of the gRPC server; 0 takes a free one.")
    metrics_port: int = Field(
        default=9102, ge=0, le=65535, description="Port of the Prometheus endpoint `/metrics`; 0 takes a free one."
    )
    models_dir: Path = Field(
        default=Path("models"),
        description="Folder of the model files; `python -m imaging.models.fetch --dir DIR` fills it.",
    )
    garment_parser: Literal["trained", "geometry", "hub"] = Field(
        default="trained",
        description="What finds garments: our trained `pose-unet/1` (geometry stands in where it cannot be loaded), "
        "`pose-geometry/1`, or the network of `garment_parser_hub`.",
    )
    garment_parser_hub: str = Field(
        default="", description="Hub id or local folder of a SegFormer class clothes parser, for `garment_parser=hub`."
    )
    garment_parser_revision: str = Field(
        default="", description="Branch, tag or commit of `garment_parser_hub`; empty takes its default."
    )
    garment_embedder: Literal["trained", "hand-made", "hub"] = Field(
        default="trained",
        description="What makes vectors: our trained `fashion/3`, `hand-made/1`, or the network of "
        "`garment_embedder_hub`. Another one needs another index.",
    )
    garment_embedder_hub: str = Field(
        default="", description="Hub id or local folder of a CLIP or SigLIP class model, for `garment_embedder=hub`."
    )
    garment_embedder_revision: str = Field(
        default="", description="Branch, tag or commit of `garment_embedder_hub`; empty takes its default."
    )
    hub_device: str = Field(
        default="cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="Where hub models run: `cpu`, `cuda` or `cuda:<n>`."
    )
    hub_fallback: bool = Field(
        default=True,
        description="Answer with the model that needs no hub, marked as degraded, when a hub model cannot be loaded "
        "or run; otherwise the service does not start serving.",
    )
    embed_batch: int = Field(
        default=32, ge=1, le=256, description="Largest batch of the embedder over all requests together."
    )
    picture_queue_bytes: int = Field(
        default=256 * 1024 * 1024, ge=1,
        description="Bytes of decoded pictures that may wait for a model that works on batches; more are refused with "
        "RESOURCE_EXHAUSTED. `VITRINE_EXECUTOR_QUEUE` bounds the number of calls that wait there.",
    )  # fmt: skip
    analysis_side_px: int = Field(
        default=960, ge=256, le=4096,
        description="Longer side that a picture is shrunk to before it is analysed, in pixels.",
    )  # fmt: skip
    min_garment_score: float = Field(
        default=0.3, ge=0, le=1, description="Garments with a lower score are left out where a request says nothing."
    )
    max_image_bytes: int = Field(
        default=10 * 1024 * 1024, ge=1024, description="Largest encoded picture that is taken, in bytes."
    )
    max_image_pixels: int = Field(
        default=40_000_000, ge=1024, description="Most pixels of a picture that is taken, width times height."
    )
