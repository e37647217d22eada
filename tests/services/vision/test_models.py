from __future__ import annotations

import asyncio
import urllib.request

import pytest
from vitrine.type.v1 import image_pb2
from vitrine.vision.v1 import garment_service_pb2 as garment_pb
from vitrine.vision.v1 import model_service_pb2 as pb

from tests.services.vision.conftest import Caller, Vision

pytestmark = pytest.mark.service


async def list_models(user: Caller, **fields: object) -> pb.ListModelsResponse:
    request = pb.ListModelsRequest(**fields)  # type: ignore[arg-type]
    return await user.models.ListModels(request, metadata=user.metadata)


async def parser_latency(user: Caller) -> pb.ModelLatency:
    """The times of the parser that answers."""
    (chosen,) = [one for one in (await list_models(user, task="garments.parse")).models if one.selected]
    return chosen.latency


async def test_every_model_tells_where_it_comes_from(user: Caller) -> None:
    models = (await list_models(user)).models
    assert {model.task for model in models} >= {
        "people.detect", "people.pose", "people.mask", "garments.parse", "garments.describe", "garments.embed",
        "garments.embed_text", "garments.foreground",
    }  # fmt: skip
    for model in models:
        if not model.selected:  # it waits to stand in
            assert (model.state, model.degraded_reason) == (pb.Model.STATE_AVAILABLE, "")
            continue
        assert model.state == pb.Model.STATE_READY
        assert all(
            (model.name, model.model, model.version, model.description, model.license, model.source, model.backend)
        )
        assert model.name == "models/" + model.model.replace("/", "~")
        assert (model.degraded, model.degraded_reason) == (False, "")
        assert len(model.sha256) == (64 if model.backend in {"litert", "onnxruntime"} else 0)


async def test_latency_is_counted_and_in_the_metrics(vision: Vision, user: Caller, astronaut: image_pb2.Image) -> None:
    before = (await parser_latency(user)).call_count
    await user.garments.AnalyzeImage(garment_pb.AnalyzeImageRequest(image=astronaut), metadata=user.metadata)
    latency = await parser_latency(user)
    assert latency.call_count == before + 1
    assert 0 < latency.p50_ms <= latency.p95_ms <= latency.p99_ms
    assert latency.load_ms > 0
    url = f"http://127.0.0.1:{vision.server.metrics_port}/metrics"
    text = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read().decode())
    assert 'vitrine_model_latency_seconds_count{model="pose-unet/1",task="garments.parse"}' in text


async def test_pages_join_to_the_whole_list(user: Caller) -> None:
    whole = [model.name for model in (await list_models(user)).models]
    pages, token = [], ""
    while True:
        page = await list_models(user, page_size=2, page_token=token)
        pages += [model.name for model in page.models]
        token = page.next_page_token
        if not token:
            break
    assert pages == whole


async def test_a_task_without_models_is_an_empty_list(user: Caller) -> None:
    assert list((await list_models(user, task="faces.analyze")).models) == []
