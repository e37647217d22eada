"""ListModels says which model stands in, and for which."""

from typing import Never

import pytest
from vitrine.vision.v1 import model_service_pb2 as pb

from vision_svc.models.contract import ModelSpec, Task
from vision_svc.models.latency import LatencyRecorder
from vision_svc.models.registry import Registry
from vision_svc.servicers.models import ModelServicer

pytestmark = pytest.mark.unit


def spec(model: str) -> ModelSpec:
    return ModelSpec(Task.GARMENT_EMBED, model, "numpy", "Apache-2.0", "vitrine", "A test.")


def missing() -> Never:
    raise OSError("no such folder")


async def test_the_stand_in_is_degraded_and_the_failed_one_is_not() -> None:
    registry = Registry(LatencyRecorder())
    registry.register(spec("big/1"), missing)
    registry.register(spec("small/1"), lambda: "small")
    registry.select(Task.GARMENT_EMBED, "big/1", "small/1")
    registry.load_selected()
    big, small = (await ModelServicer(registry).ListModels(pb.ListModelsRequest(), None)).models
    assert (big.state, big.selected, big.degraded) == (pb.Model.STATE_FAILED, True, False)
    assert big.degraded_reason == "no such folder"
    assert (small.state, small.selected, small.degraded) == (pb.Model.STATE_READY, False, True)
    assert small.degraded_reason == "stands in for big/1: no such folder"
