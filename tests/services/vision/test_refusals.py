from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from vitrine.type.v1 import geometry_pb2, image_pb2
from vitrine.vision.v1 import body_service_pb2 as body_pb
from vitrine.vision.v1 import design_service_pb2 as design_pb
from vitrine.vision.v1 import face_service_pb2 as face_pb
from vitrine.vision.v1 import garment_service_pb2 as pb
from vitrine.vision.v1 import model_service_pb2 as model_pb
from vitrine.vision.v1 import nail_design_pb2 as nail_design_pb
from vitrine.vision.v1 import nail_service_pb2 as nail_pb

from tests.services.vision.conftest import Caller, Vision
from tests.services.vision.failures import Failure, failure_of

pytestmark = pytest.mark.service

INVALID = grpc.StatusCode.INVALID_ARGUMENT
JPEG = image_pb2.Image(data=b"\xff\xd8\xff\xe0 not really")


part = pb.AnalysisPart.ValueType


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and then has no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def box(*values: float) -> geometry_pb2.NormalizedBox:
    return geometry_pb2.NormalizedBox(x_min=values[0], y_min=values[1], x_max=values[2], y_max=values[3])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "IMAGE_EMPTY", id="empty"),
        pytest.param(b"GIF89a" + b"\0" * 50, "IMAGE_FORMAT_UNSUPPORTED", id="gif"),
        pytest.param(b"hello, this is text", "IMAGE_FORMAT_UNSUPPORTED", id="text"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10JFIF\0", "IMAGE_CORRUPT", id="truncated jpeg"),
        pytest.param(png_header(64, 64), "IMAGE_CORRUPT", id="png without pixels"),
        pytest.param(png_header(8000, 8000), "IMAGE_TOO_LARGE", id="64-megapixel bomb"),
        pytest.param(png_header(2**31 - 1, 1), "IMAGE_TOO_LARGE", id="endless line"),
        pytest.param(png_header(8, 8), "IMAGE_TOO_SMALL", id="8 pixels"),
    ],
)
async def test_pictures_that_cannot_be_read(user: Caller, data: bytes, reason: str) -> None:
    request = pb.AnalyzeImageRequest(image=image_pb2.Image(data=data))
    failure = await failure_of(user.garments.AnalyzeImage(request, metadata=user.metadata))
    assert failure == Failure(INVALID, reason, failure.metadata, ("image.data",))


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        pytest.param(pb.AnalyzeImageRequest(), ("image",), id="no image"),
        pytest.param(pb.AnalyzeImageRequest(image=JPEG, region=box(0.5, 0, 0.4, 1)), ("region",), id="inside out"),
        pytest.param(pb.AnalyzeImageRequest(image=JPEG, region=box(0, 0, 2, 1)), ("region.x_max",), id="outside"),
        pytest.param(
            pb.AnalyzeImageRequest(image=JPEG, face_boxes=[box(0, 0, 1, 1), box(0, 0.5, 1, 0.4)]), ("face_boxes[1]",),
            id="face inside out",
        ),
        pytest.param(
            pb.AnalyzeImageRequest(image=JPEG, face_boxes=[box(0, 0, 1, 1)] * 65), ("face_boxes",), id="65 faces",
        ),
        pytest.param(pb.AnalyzeImageRequest(image=JPEG, parts=[part(0)]), ("parts[0]",), id="part not stated"),
        pytest.param(pb.AnalyzeImageRequest(image=JPEG, parts=[part(99)]), ("parts[0]",), id="unknown part"),
        pytest.param(pb.AnalyzeImageRequest(image=JPEG, parts=[part(1), part(1)]), ("parts",), id="part twice"),
        pytest.param(pb.AnalyzeImageRequest(image=JPEG, min_score=1.5), ("min_score",), id="score above 1"),
        pytest.param(pb.AnalyzeImageRequest(image=JPEG, min_score=float("nan")), ("min_score",), id="no number"),
        pytest.param(
            pb.AnalyzeImageRequest(image=image_pb2.Image(data=b"\xff\xd8" + b"\0" * 10 * 1024 * 1024)), ("image.data",),
            id="over 10 MiB",
        ),
        pytest.param(pb.EmbedTextRequest(), ("text",), id="no text"),
        pytest.param(pb.EmbedTextRequest(text="a" * 501), ("text",), id="long text"),
        pytest.param(model_pb.ListModelsRequest(page_size=-1), ("page_size",), id="negative page size"),
        pytest.param(model_pb.ListModelsRequest(page_token="forged"), ("page_token",), id="forged token"),  # noqa: S106
        pytest.param(model_pb.ListModelsRequest(task="DROP TABLE"), ("task",), id="no task"),
    ],
)  # fmt: skip
async def test_requests_that_break_a_rule(user: Caller, request_: Message, fields: tuple[str, ...]) -> None:
    calls: dict[str, Any] = {
        "AnalyzeImageRequest": user.garments.AnalyzeImage,
        "EmbedTextRequest": user.garments.EmbedText,
        "ListModelsRequest": user.models.ListModels,
    }
    failure = await failure_of(calls[request_.DESCRIPTOR.name](request_, metadata=user.metadata))
    assert (failure.code, failure.fields) == (INVALID, fields)


@pytest.mark.parametrize("count", [0, 33])
async def test_batches_have_a_size(service: Caller, count: int) -> None:
    request = pb.BatchEmbedImagesRequest(items=[pb.EmbedImageItem(image=JPEG)] * count)
    failure = await failure_of(service.garments.BatchEmbedImages(request, metadata=service.metadata))
    assert (failure.code, failure.fields) == (INVALID, ("items",))


async def test_users_may_not_embed_batches(user: Caller) -> None:
    request = pb.BatchEmbedImagesRequest(items=[pb.EmbedImageItem(image=JPEG)])
    failure = await failure_of(user.garments.BatchEmbedImages(request, metadata=user.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")


async def test_nobody_may_call_without_a_token(vision: Vision) -> None:
    caller = vision.caller()
    failure = await failure_of(caller.models.ListModels(model_pb.ListModelsRequest()))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")


def not_yet(caller: Caller, rpc: str) -> Any:
    view = body_pb.BodyView(image=JPEG, side=body_pb.BODY_VIEW_SIDE_FRONT)
    config = nail_pb.RenderNailsConfig(design=nail_design_pb.NailDesign(colors=["#aa0000"]))
    calls: dict[str, Callable[[], Any]] = {
        "AnalyzeFace": lambda: caller.faces.AnalyzeFace(
            face_pb.AnalyzeFaceRequest(image=JPEG), metadata=caller.metadata
        ),
        "EstimateBody": lambda: caller.bodies.EstimateBody(
            body_pb.EstimateBodyRequest(views=[view], height_cm=170), metadata=caller.metadata
        ),
        "RenderNails": lambda: caller.nails.RenderNails(
            iter([nail_pb.RenderNailsRequest(config=config)]), metadata=caller.metadata
        ),
        "DescribeNailReference": lambda: caller.nails.DescribeNailReference(
            nail_pb.DescribeNailReferenceRequest(text="matte red"), metadata=caller.metadata
        ),
        "GenerateDesigns": lambda: caller.designs.GenerateDesigns(
            design_pb.GenerateDesignsRequest(prompt="a dress"), metadata=caller.metadata
        ),
    }
    return calls[rpc]()


@pytest.mark.parametrize(
    "rpc", ["AnalyzeFace", "EstimateBody", "RenderNails", "DescribeNailReference", "GenerateDesigns"]
)
async def test_what_is_not_built_yet_says_so(service: Caller, rpc: str) -> None:
    failure = await failure_of(not_yet(service, rpc))
    assert failure == Failure(grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED_YET", {"rpc": rpc})


async def test_rules_hold_also_for_what_is_not_built_yet(user: Caller) -> None:
    request = body_pb.EstimateBodyRequest(views=[body_pb.BodyView(image=JPEG, side=body_pb.BODY_VIEW_SIDE_PROFILE)])
    failure = await failure_of(user.bodies.EstimateBody(request, metadata=user.metadata))
    assert failure.code is INVALID
    assert "height_cm" in failure.fields
