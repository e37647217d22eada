"""The vision service as this one meets it: what goes along with a call, other models, stand-ins, refusals."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from pydantic import SecretStr
from vitrine.embedded.postgres import PostgresServer
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.retrieval.v1 import product_pb2, search_service_pb2_grpc
from vitrine.retrieval.v1 import search_service_pb2 as search_pb2
from vitrine.type.v1 import image_pb2

from mesh.database import Database
from mesh.errors import InvalidInputError
from retrieval_svc.clients import VisionEncoder
from retrieval_svc.storage import index_feed
from tests.services.retrieval.conftest import Place, Stubs, eventually, ready
from tests.services.retrieval.failures import failure_of
from tests.services.retrieval.rows import demo_rows, shirt
from tests.services.retrieval.test_import import stored_rows
from tests.services.retrieval.vision_stub import VisionStub, draw

pytestmark = pytest.mark.service

BY_PICTURE = search_pb2.SearchProductsRequest(image=image_pb2.Image(data=draw("navy")))
BY_WORDS = search_pb2.SearchProductsRequest(text="navy shirt")


@pytest.fixture
async def stubs(place: Place) -> AsyncIterator[Stubs]:
    """An operator; afterwards the vision service has its own model again."""
    stubs = place.stubs("operator")
    yield stubs
    await stubs.channel.close()


@pytest.mark.parametrize("request_", [BY_PICTURE, BY_WORDS], ids=["picture", "words"])
async def test_request_id_trace_and_deadline_go_along(
    place: Place, stubs: Stubs, request_: search_pb2.SearchProductsRequest
) -> None:
    await stubs.import_rows([shirt(1, [draw("navy")])])
    request_id, trace_id = str(uuid.uuid4()), uuid.uuid4().hex
    headers = (
        ("authorization", f"Bearer {place.key.sign('ada', [], ttl_s=60)}"),
        ("x-request-id", request_id),
        ("traceparent", f"00-{trace_id}-{'1' * 16}-01"),
    )
    async with grpc.aio.insecure_channel(f"127.0.0.1:{place.server.port}") as channel:
        search = search_service_pb2_grpc.SearchServiceStub(channel)
        await search.SearchProducts(request_, metadata=headers, timeout=3.0)
        metadata, time_left_s = place.vision.heard[request_id]
        assert metadata["traceparent"].split("-")[1] == trace_id
        assert 0 < time_left_s <= 3.1  # the caller's, not the 5 s of the settings
        await search.SearchProducts(request_, metadata=headers, timeout=20.0)
        _, time_left_s = place.vision.heard[request_id]
        assert 3.1 < time_left_s <= 5.1


async def test_another_model_takes_over_when_every_product_has_its_vector(place: Place, stubs: Stubs) -> None:
    await stubs.import_rows(demo_rows()[:20])
    await ready(place, count=20)

    async def swapped() -> bool:
        index = await stubs.index()
        state = (index.model, index.vector_count, index.state)
        return state == (place.vision.model, 20, search_pb2.INDEX_STATE_READY)

    for model in ("stub/2", "stub/3", "stub/1"):
        place.vision.model = model
        await eventually(swapped)
        assert (await stubs.search.SearchProducts(BY_PICTURE)).matches[0].product.colors[0].name == "navy"
    assert await stored_rows(place, "product_vectors") == 40  # of this model, and of the one before


async def test_stand_in_that_answers_for_a_while_changes_no_index(place: Place, stubs: Stubs) -> None:
    await stubs.import_rows(demo_rows()[:6])
    await ready(place, count=6)
    before, model = await stubs.index(), place.vision.model
    place.vision.model, place.vision.degraded_reason = "stand-in/1", "the weights cannot be read"
    calls = place.vision.calls
    run = getattr(await stubs.import_rows(demo_rows()[6:8]), "import")
    assert (run.created_count, run.pending_vector_count) == (2, 2)
    failure = await failure_of(stubs.search.SearchProducts(BY_PICTURE))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "MODEL_UNAVAILABLE")
    assert failure.metadata["model"] == model
    words = await stubs.search.SearchProducts(BY_WORDS)
    assert words.matches  # words count by themselves
    assert [use.degraded for use in words.models if use.model == "stand-in/1"] == [True, True]
    await asyncio.sleep(1.5)  # three probes, 15 pauses of the worker
    index = await stubs.index()
    assert (index.model, index.generation, index.product_count) == (model, before.generation, 8)
    assert (index.vector_count, index.pending_vector_count) == (6, 2)
    assert place.vision.calls - calls < 10  # the same pictures are not embedded over and over
    place.vision.model, place.vision.degraded_reason = model, ""

    async def recovered() -> bool:
        return (await stubs.index()).vector_count == 8

    await eventually(recovered)
    product = (await stubs.catalog.GetProduct(pb.GetProductRequest(name="products/D-7"))).product
    assert (product.vector_state, product.vector_model) == (product_pb2.VECTOR_STATE_READY, model)
    assert (await stubs.index()).generation == before.generation


NOTES = [
    pytest.param([("a", False)], ("a", ""), id="first"),
    pytest.param([("a", True)], ("a", ""), id="first-is-a-stand-in"),
    pytest.param([("a", False), ("b", False)], ("a", "b"), id="another"),
    pytest.param([("a", False), ("b", True)], ("a", ""), id="stand-in-for-the-first"),
    pytest.param([("a", True), ("b", False)], ("a", "b"), id="after-a-stand-in"),
    pytest.param([("a", True), ("b", False), ("a", True)], ("a", "b"), id="stand-in-again-gives-nothing-up"),
    pytest.param([("a", False), ("b", False), ("c", True)], ("a", "b"), id="stand-in-for-the-next"),
    pytest.param([("a", False), ("b", False), ("a", False)], ("a", ""), id="back-to-the-first"),
]


@pytest.fixture(scope="module")
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    database = Database(SecretStr(postgres.new_database()), "retrieval", "retrieval_svc.migrations")
    await database.migrate()
    yield database
    await database.close()


@pytest.mark.parametrize(("notes", "expected"), NOTES)
async def test_which_model_the_index_shall_have(
    database: Database, notes: list[tuple[str, bool]], expected: tuple[str, str]
) -> None:
    async with database.engine.connect() as connection:  # never committed
        for model, degraded in notes:
            await index_feed.note_model(connection, model, 24, degraded=degraded)
        state = await index_feed.read_model(connection)
    assert state is not None
    assert (state.model, state.next_model) == expected


class _Refusing(VisionStub):
    """Refuses the whole call, in its own words."""

    async def BatchEmbedImages(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Refuses."""
        status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="items[0].image.data: too small")
        facts = {"limit": "32", "description": "a fact with the name of an argument"}
        info = error_details_pb2.ErrorInfo(reason="IMAGE_TOO_SMALL", domain="vitrine.dev", metadata=facts)
        status.details.add().Pack(info)
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field="items[0].image.data", description="too small")
        status.details.add().Pack(bad)
        details = ("grpc-status-details-bin", status.SerializeToString())
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, status.message, (details,))


async def test_refusal_of_the_whole_call_names_our_field() -> None:
    vision = _Refusing()
    await vision.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{vision.port}") as channel:
        encoder = VisionEncoder(channel, batch_deadline_s=5.0, query_deadline_s=5.0)
        with pytest.raises(InvalidInputError) as caught:
            await encoder.embed_picture(draw("navy"))
    await vision.stop()
    assert (caught.value.reason, caught.value.metadata["limit"]) == ("IMAGE_TOO_SMALL", "32")
    assert [(item.field, item.description) for item in caught.value.violations] == [("image.data", "too small")]
