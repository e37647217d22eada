"""BatchEmbedImages answers for each picture by itself."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from google.rpc import code_pb2, error_details_pb2
from vitrine.vision.v1 import garment_service_pb2 as pb

from imaging.errors import corrupt_image
from vision_svc.garments.analysis import GarmentAnalysis
from vision_svc.garments.embedding import BatchEmbedding, Embedded, EmbedItem
from vision_svc.garments.mask import MaskError
from vision_svc.models.contract import ModelSpec, ModelUse, Task
from vision_svc.models.latency import LatencyRecorder
from vision_svc.models.registry import Registry
from vision_svc.servicers.garments import GarmentServicer
from vision_svc.servicers.stream import AnalyzeStream

pytestmark = pytest.mark.unit

EMBED, PARSE = ModelUse(Task.GARMENT_EMBED, "embed/1"), ModelUse(Task.GARMENT_PARSE, "weak/1", "stands in")


class Results:
    """A batch of which some went wrong."""

    async def embed(self, items: list[EmbedItem], *, with_attributes: bool) -> list[Embedded | Exception]:
        assert len(items) == 1
        assert not with_attributes
        good = Embedded(np.array([1.0], np.float32), 0.5, True, None, (EMBED,))
        worn = Embedded(np.array([1.0], np.float32), 0.5, True, None, (PARSE, EMBED))
        return [good, corrupt_image("cut off"), RuntimeError("/secret/path"), MaskError("expected grey"), worn]


async def test_each_item_has_its_own_error_and_the_models_are_those_of_all() -> None:
    registry = Registry(LatencyRecorder())
    registry.register(ModelSpec(Task.GARMENT_EMBED, "embed/1", "numpy", "MIT", "test", "A test."), lambda: "model")
    registry.select(Task.GARMENT_EMBED, EMBED.model)
    registry.load_selected()
    servicer = GarmentServicer(
        cast("GarmentAnalysis", None), cast("BatchEmbedding", Results()), registry, cast("Any", None),
        cast("AnalyzeStream", None), min_score=0.3,
    )  # fmt: skip
    answer = await servicer.BatchEmbedImages(pb.BatchEmbedImagesRequest(items=[pb.EmbedImageItem()]), None)
    assert [item.WhichOneof("result") for item in answer.items] == ["image", "error", "error", "error", "image"]
    errors = [item.error for item in answer.items[1:4]]
    assert [error.code for error in errors] == [code_pb2.INVALID_ARGUMENT, code_pb2.INTERNAL, code_pb2.INVALID_ARGUMENT]
    assert "secret" not in str(errors)
    fields = []
    for error in (errors[0], errors[2]):
        bad = error_details_pb2.BadRequest()
        assert error.details[1].Unpack(bad)
        fields.append(bad.field_violations[0].field)
    assert fields == ["items[1].image.data", "items[3].mask.png"]
    assert [(use.task, use.degraded) for use in answer.models] == [("garments.embed", False), ("garments.parse", True)]
