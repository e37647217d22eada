from __future__ import annotations

import cv2
import numpy as np
import pytest
from google.rpc import error_details_pb2
from vitrine.type.v1 import garment_pb2, geometry_pb2, image_pb2
from vitrine.vision.v1 import garment_service_pb2 as pb

from imaging.decode import encode_jpeg, encode_png
from tests.services.vision.conftest import Caller, draw_shirt
from vision_svc.garments.fashion_space import DIMENSION

pytestmark = pytest.mark.service

NAVY, RED = (69, 37, 27), (37, 28, 208)


def product(data: bytes, **fields: object) -> pb.EmbedImageItem:
    image = image_pb2.Image(data=data)
    return pb.EmbedImageItem(image=image, subject=pb.EMBED_SUBJECT_PRODUCT, **fields)  # type: ignore[arg-type]


async def embed(
    caller: Caller, *items: pb.EmbedImageItem, with_attributes: bool = False
) -> pb.BatchEmbedImagesResponse:
    request = pb.BatchEmbedImagesRequest(items=items, with_attributes=with_attributes)
    return await caller.garments.BatchEmbedImages(request, metadata=caller.metadata)


async def embed_text(caller: Caller, text: str) -> pb.EmbedTextResponse:
    return await caller.garments.EmbedText(pb.EmbedTextRequest(text=text), metadata=caller.metadata)


async def test_each_item_succeeds_or_fails_alone_in_order(service: Caller) -> None:
    good = encode_jpeg(draw_shirt(NAVY))
    answer = await embed(
        service, product(good), product(b""), product(good[:500]), product(encode_jpeg(draw_shirt(RED)))
    )
    assert [item.WhichOneof("result") for item in answer.items] == ["image", "error", "error", "image"]
    for index, reason in ((1, "IMAGE_EMPTY"), (2, "IMAGE_CORRUPT")):
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        details = answer.items[index].error.details
        assert details[0].Unpack(info)
        assert details[1].Unpack(bad)
        assert info.reason == reason
        assert bad.field_violations[0].field == f"items[{index}].image.data"


async def test_products_lose_their_background_and_are_described(service: Caller) -> None:
    answer = await embed(service, product(encode_jpeg(draw_shirt(NAVY))), with_attributes=True)
    image = answer.items[0].image
    assert image.background_removed
    assert image.foreground_share == pytest.approx(0.37, abs=0.03)
    assert [color.name for color in image.attributes.colors] == ["navy"]
    assert image.attributes.silhouette == garment_pb2.SILHOUETTE_UNSPECIFIED
    assert [use.task for use in answer.models] == ["garments.foreground", "garments.describe", "garments.embed"]


async def test_a_mask_says_what_is_embedded(service: Caller) -> None:
    picture = draw_shirt(NAVY)
    picture[:180] = np.where((picture[:180] > 200).all(axis=2, keepdims=True), picture[:180], np.array(RED, np.uint8))
    mask = np.zeros(picture.shape[:2], np.uint8)
    mask[200:340, 120:240] = 255
    _, png = cv2.imencode(".png", mask)
    answer = await embed(
        service, product(encode_jpeg(picture), mask=pb.EmbedMask(png=png.tobytes())), with_attributes=True
    )
    assert [color.name for color in answer.items[0].image.attributes.colors] == ["navy"]
    assert answer.items[0].image.foreground_share == pytest.approx(140 * 120 / picture[..., 0].size, abs=0.01)


@pytest.mark.parametrize(
    "png",
    [
        pytest.param(b"nonsense", id="nonsense"),
        pytest.param(encode_png(np.zeros((40, 36), np.uint8)), id="empty"),
        pytest.param(encode_png(np.full((36, 40), 255, np.uint8)), id="lying on its side"),
        pytest.param(encode_png(np.full((40, 36, 3), 255, np.uint8)), id="colour"),
        pytest.param(encode_jpeg(np.full((40, 36), 255, np.uint8)), id="jpeg"),
    ],
)
async def test_a_mask_that_cannot_be_used_is_named(service: Caller, png: bytes) -> None:
    answer = await embed(service, product(encode_jpeg(draw_shirt(NAVY)), mask=pb.EmbedMask(png=png)))
    bad = error_details_pb2.BadRequest()
    assert answer.items[0].error.details[1].Unpack(bad)
    assert bad.field_violations[0].field == "items[0].mask.png"


async def test_a_mask_coarser_than_the_region_is_stretched(service: Caller) -> None:
    _, png = cv2.imencode(".png", np.full((20, 18), 255, np.uint8))
    region = geometry_pb2.NormalizedBox(x_min=0.5, y_min=0.2, x_max=0.52, y_max=0.8)
    item = product(encode_jpeg(draw_shirt(NAVY)), mask=pb.EmbedMask(png=png.tobytes()), region=region)
    assert (await embed(service, item)).items[0].image.foreground_share == pytest.approx(1)


async def test_a_worn_outfit_is_embedded_as_analysed(service: Caller, astronaut: image_pb2.Image) -> None:
    answer = await embed(service, pb.EmbedImageItem(image=astronaut, subject=pb.EMBED_SUBJECT_OUTFIT))
    seen = await service.garments.AnalyzeImage(
        pb.AnalyzeImageRequest(image=astronaut, min_score=0), metadata=service.metadata
    )
    assert [use.task for use in answer.models] == [
        "people.detect", "people.pose", "people.mask", "garments.parse", "garments.embed",
    ]  # fmt: skip
    values = answer.items[0].image.embedding.values
    assert np.dot(values, seen.analysis.outfit_embedding.values) == pytest.approx(1, abs=1e-4)


async def test_words_and_pictures_share_a_space(service: Caller, user: Caller) -> None:
    navy, red = (await embed(service, *(product(encode_jpeg(draw_shirt(color))) for color in (NAVY, RED)))).items
    for word, right, wrong in (("navy", navy, red), ("red", red, navy)):
        text = await embed_text(user, f"{word} shirt")
        assert text.embedding.model == right.image.embedding.model
        assert np.dot(text.embedding.values, right.image.embedding.values) > np.dot(
            text.embedding.values, wrong.image.embedding.values
        )


async def test_text_says_what_it_understood(user: Caller) -> None:
    answer = await embed_text(user, "Oversized navy striped shirt, quux")
    said = answer.understanding
    assert (list(said.categories), list(said.colors), list(said.patterns)) == (["shirt"], ["navy"], ["striped"])
    assert list(said.buckets) == [garment_pb2.GARMENT_BUCKET_TOP]
    assert (list(said.attributes), list(said.ignored_words)) == (["oversized"], ["quux"])
    assert said.coverage == pytest.approx(3 / 5)
    assert answer.models[0].degraded
    assert "quux" in answer.models[0].degraded_reason
    assert not (await embed_text(user, "navy striped shirt")).models[0].degraded


async def test_a_text_without_meaning_still_has_a_vector_and_says_so(user: Caller) -> None:
    answer = await embed_text(user, "???")
    assert (len(answer.embedding.values), answer.embedding.model) == (DIMENSION, "fashion/3")
    assert answer.understanding.coverage == 0
    assert answer.models[0].degraded
