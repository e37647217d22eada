"""The typed client: `Vitrine` for calls, `FrameStream` for live streams, `RpcFailure` for what goes wrong."""

from vitrine.sdk.camera import Camera
from vitrine.sdk.catalog import CatalogSource
from vitrine.sdk.client import Vitrine
from vitrine.sdk.errors import RpcFailure
from vitrine.sdk.frames import CameraFrame, frames_of
from vitrine.sdk.importing import ImportProgress, import_catalog
from vitrine.sdk.search import SearchOptions, money_of
from vitrine.sdk.stream import FrameStream, Reconnected, StreamSettings

__all__ = [
    "Camera",
    "CameraFrame",
    "CatalogSource",
    "FrameStream",
    "ImportProgress",
    "Reconnected",
    "RpcFailure",
    "SearchOptions",
    "StreamSettings",
    "Vitrine",
    "frames_of",
    "import_catalog",
    "money_of",
]
