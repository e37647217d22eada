from __future__ import annotations

import cv2
import numpy as np
import pytest
from vitrine.type.v1 import garment_pb2, geometry_pb2, image_pb2
from vitrine.vision.v1 import garment_service_pb2 as pb
from vitrine.vision.v1 import quality_pb2

from imaging.decode import decode_bgr, encode_jpeg
from tests.services.vision.conftest import Caller
from vision_svc.garments.fashion_space import DIMENSION

pytestmark = pytest.mark.service


async def analyze(user: Caller, image: image_pb2.Image, **fields: object) -> pb.ImageAnalysis:
    request = pb.AnalyzeImageRequest(image=image, **fields)  # type: ignore[arg-type]
    return (await user.garments.AnalyzeImage(request, metadata=user.metadata)).analysis


async def test_a_photo_gives_garments_with_everything(user: Caller, astronaut: image_pb2.Image) -> None:
    seen = await analyze(user, astronaut)
    assert (seen.width_px, seen.height_px, seen.person_count) == (512, 512, 1)
    assert [use.task for use in seen.models] == [
        "people.detect", "people.pose", "people.mask", "garments.parse", "garments.describe", "garments.embed",
    ]  # fmt: skip
    assert not any(use.degraded for use in seen.models)
    assert seen.processing_ms > 0
    assert [garment.garment_id for garment in seen.garments] == [f"g{number}" for number in range(len(seen.garments))]
    upper = (garment_pb2.GARMENT_BUCKET_TOP, garment_pb2.GARMENT_BUCKET_OUTERWEAR)
    suit = next(garment for garment in seen.garments if garment.bucket in upper)
    assert suit.attributes.colors[0].name in {"orange", "burnt orange", "terracotta", "rust", "coral"}
    assert sum(color.share for color in suit.attributes.colors) == pytest.approx(1, abs=1e-5)
    assert 0 <= suit.attributes.style.formality <= 100
    assert suit.attributes.sleeve_length == "long"
    assert suit.attributes.confidence["sleeve_length"] > 0.3
    assert suit.attributes.length == ""  # the picture ends above the hem
    assert suit.attributes.confidence["length"] == 0
    assert (len(suit.embedding.values), suit.embedding.model) == (DIMENSION, "fashion/3")
    assert np.linalg.norm(suit.embedding.values) == pytest.approx(1, abs=1e-4)
    assert suit.embedding.model == seen.outfit_embedding.model == seen.models[-1].model
    mask = decode_bgr(suit.mask.png)
    assert mask.shape[:2] == (suit.mask.height_px, suit.mask.width_px)
    assert suit.mask.box == suit.box
    assert all(0 <= point.x <= 1 and 0 <= point.y <= 1 for line in suit.outlines for point in line.points)
    assert [finding.issue for finding in seen.findings] == [quality_pb2.QUALITY_ISSUE_CUT_OFF]
    assert all(finding.description and finding.advice for finding in seen.findings)


async def test_where_nobody_is_nothing_is_invented(user: Caller, nobody: image_pb2.Image) -> None:
    seen = await analyze(user, nobody)
    assert (seen.person_count, len(seen.garments)) == (0, 0)
    assert not seen.HasField("person")
    assert not seen.HasField("outfit_embedding")


async def test_the_place_of_a_hidden_face_leads_to_the_person(
    user: Caller, faceless: tuple[image_pb2.Image, geometry_pb2.NormalizedBox]
) -> None:
    image, face = faceless
    assert (await analyze(user, image)).person_count == 0
    seen = await analyze(user, image, face_boxes=[face])
    assert seen.person_count == 1
    assert seen.person.box.y_max > face.y_max
    assert seen.garments


@pytest.mark.parametrize(
    ("parts", "has"),
    [
        pytest.param([pb.ANALYSIS_PART_MASKS], {"mask"}, id="masks"),
        pytest.param([pb.ANALYSIS_PART_OUTLINES], {"outlines"}, id="outlines"),
        pytest.param([pb.ANALYSIS_PART_ATTRIBUTES], {"attributes"}, id="attributes"),
        pytest.param([pb.ANALYSIS_PART_EMBEDDINGS], {"embedding"}, id="embeddings"),
    ],
)
async def test_only_the_parts_asked_for_are_made(
    user: Caller, astronaut: image_pb2.Image, parts: list[int], has: set[str]
) -> None:
    seen = await analyze(user, astronaut, parts=parts)
    set_fields = {descriptor.name for descriptor, _ in seen.garments[0].ListFields()}
    assert set_fields & {"mask", "outlines", "attributes", "embedding"} == has
    assert seen.HasField("outfit_embedding") == (has == {"embedding"})


async def test_the_same_picture_gives_the_same_answer(user: Caller, astronaut: image_pb2.Image) -> None:
    first, second = await analyze(user, astronaut), await analyze(user, astronaut)
    first.processing_ms = second.processing_ms = 0
    assert first == second


async def test_a_region_answers_in_the_coordinates_of_the_whole(user: Caller, astronaut: image_pb2.Image) -> None:
    photo = decode_bgr(astronaut.data)
    wide = np.full((512, 1024, 3), 120, np.uint8)
    wide[:, 512:] = photo
    region = geometry_pb2.NormalizedBox(x_min=0.5, y_min=0, x_max=1, y_max=1)
    seen = await analyze(user, image_pb2.Image(data=encode_jpeg(wide, quality=95)), region=region)
    alone = await analyze(user, astronaut)
    assert (seen.width_px, seen.height_px) == (1024, 512)
    assert seen.garments[0].box.x_min == pytest.approx(0.5 + alone.garments[0].box.x_min / 2, abs=0.02)
    assert seen.garments[0].box.y_min == pytest.approx(alone.garments[0].box.y_min, abs=0.02)


async def test_size_is_that_of_the_upright_picture(user: Caller) -> None:
    jpeg = bytearray(encode_jpeg(np.full((48, 96, 3), 99, np.uint8)))
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    jpeg[2:2] = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    seen = await analyze(user, image_pb2.Image(data=bytes(jpeg)))
    assert (seen.width_px, seen.height_px) == (48, 96)


async def test_unsure_garments_are_left_out(user: Caller, astronaut: image_pb2.Image) -> None:
    assert len((await analyze(user, astronaut, min_score=1.0)).garments) == 0
    assert len((await analyze(user, astronaut, min_score=0.0)).garments) >= 1


@pytest.mark.parametrize("extension", [".png", ".webp"])
async def test_other_formats_are_read(user: Caller, astronaut: image_pb2.Image, extension: str) -> None:
    _, data = cv2.imencode(extension, decode_bgr(astronaut.data, max_side_px=300))
    assert (await analyze(user, image_pb2.Image(data=data.tobytes()))).person_count == 1


async def test_a_dark_picture_gets_advice(user: Caller, astronaut: image_pb2.Image) -> None:
    dark = (decode_bgr(astronaut.data) * 0.25).astype(np.uint8)
    seen = await analyze(user, image_pb2.Image(data=encode_jpeg(dark)))
    assert quality_pb2.QUALITY_ISSUE_LOW_LIGHT in [finding.issue for finding in seen.findings]
