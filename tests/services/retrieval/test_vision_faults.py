"""A picture at which the vision service fails by its own fault keeps no other one back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import sqlalchemy as sa
from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.retrieval.v1 import product_pb2

from mesh.database import Database
from mesh.errors import InternalError
from retrieval_svc.catalog.encoder import FailedPicture, RefusedPicture, Vector
from retrieval_svc.one_by_one import Answer, with_faults_alone
from retrieval_svc.storage.tables import change_seq, products
from tests.services.retrieval.conftest import Place, Stubs, eventually
from tests.services.retrieval.rows import shirt
from tests.services.retrieval.vision_stub import Fault, draw

pytestmark = pytest.mark.service

POISON_WIDTH_PX = 91
GOOD, POISON = draw("navy"), draw("navy", size=(POISON_WIDTH_PX, 90))
READY, FAILED, PENDING = (
    product_pb2.VECTOR_STATE_READY, product_pb2.VECTOR_STATE_FAILED, product_pb2.VECTOR_STATE_PENDING,
)  # fmt: skip


@pytest.fixture
async def operator(place: Place) -> AsyncIterator[Stubs]:
    stubs = place.stubs("operator")
    yield stubs
    place.vision.fault = Fault()
    await stubs.channel.close()


async def states(stubs: Stubs) -> list[int]:
    answer = await stubs.catalog.ListProducts(pb.ListProductsRequest())
    return [product.vector_state for product in answer.products]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(POISON_WIDTH_PX), id="of-the-item"),
        pytest.param(Fault(POISON_WIDTH_PX, of_the_call=True), id="of-the-call"),
    ],
)
@pytest.mark.parametrize("count", [pytest.param(1, id="alone"), pytest.param(5, id="among-others")])
async def test_only_the_picture_that_fails_stays_without_a_vector(
    place: Place, operator: Stubs, fault: Fault, count: int
) -> None:
    place.vision.fault = fault
    rows = [shirt(number, [POISON if number == count else GOOD]) for number in range(1, count + 1)]
    answer = await operator.import_rows(rows)
    assert not answer.rejections  # the row has no fault
    assert getattr(answer, "import").created_count == count

    async def settled() -> bool:
        return await states(operator) == [*[READY] * (count - 1), FAILED]

    await eventually(settled)
    failed = await operator.catalog.GetProduct(pb.GetProductRequest(name=f"products/S-{count}"))
    assert failed.product.vector_error == "INTERNAL: it broke"
    calls = place.vision.calls
    await asyncio.sleep(0.5)  # five pauses of the worker
    assert place.vision.calls == calls
    await operator.import_rows([shirt(count, [GOOD])])  # another picture is another chance
    assert await states(operator) == [READY] * count


@pytest.mark.parametrize("of_the_call", [pytest.param(False, id="of-the-items"), pytest.param(True, id="of-the-call")])
async def test_vision_that_fails_at_everything_says_nothing_about_pictures(
    place: Place, operator: Stubs, of_the_call: bool
) -> None:
    place.vision.fault = Fault(everywhere=True, of_the_call=of_the_call)
    answer = await operator.import_rows([shirt(1, [GOOD]), shirt(2, [POISON])])
    assert not answer.rejections
    assert getattr(answer, "import").pending_vector_count == 2
    await asyncio.sleep(0.5)
    assert await states(operator) == [PENDING] * 2
    place.vision.fault = Fault()

    async def recovered() -> bool:
        return await states(operator) == [READY] * 2

    await eventually(recovered)


async def test_vector_that_is_there_is_not_lost_by_a_later_fault(place: Place, operator: Stubs) -> None:
    await operator.import_rows([shirt(1, [POISON]), shirt(2, [GOOD])])
    place.vision.fault = Fault(POISON_WIDTH_PX)
    database = Database(place.database_url, "retrieval", "retrieval_svc.migrations")
    async with database.begin() as connection:  # nobody looked at them for a pattern
        await connection.execute(sa.update(products).values(seen_pattern=None, change_seq=change_seq.next_value()))

    async def seen() -> bool:
        async with database.begin() as connection:
            left = sa.select(sa.func.count()).select_from(products).where(products.c.seen_pattern.is_(None))
            return not await connection.scalar(left)

    await eventually(seen)
    await database.close()
    assert await states(operator) == [READY] * 2


VECTOR, REFUSED, FAULT = Vector((1.0,), "m"), RefusedPicture("IMAGE_TOO_SMALL", "small"), InternalError("it broke")
FAILURE = FailedPicture("INTERNAL", "it broke")
BATCHES = [
    pytest.param([], [], id="nothing"),
    pytest.param([VECTOR, REFUSED], [VECTOR, REFUSED], id="no-fault"),
    pytest.param([VECTOR, FAULT], [VECTOR, FAILURE], id="a-fault"),
    pytest.param([REFUSED, FAULT, FAULT], [REFUSED, FAILURE, FAILURE], id="beside-a-refusal"),
    pytest.param([FAULT], [FAILURE], id="a-fault-alone"),
]


@pytest.mark.parametrize(("answers", "expected"), BATCHES)
async def test_faults_are_asked_again_alone(answers: list[Answer], expected: list[Answer]) -> None:
    known = {str(place).encode(): answer for place, answer in enumerate(answers)}
    asked = []

    async def ask(pictures: Sequence[bytes]) -> list[Answer]:
        asked.append(len(pictures))
        return [known.get(picture, VECTOR) for picture in pictures]

    assert await with_faults_alone(ask, list(known)) == expected
    assert asked[1:] == [1] * (len(asked) - 1)


async def test_fault_that_passes_is_none() -> None:
    answers: list[Answer] = [FAULT, VECTOR]

    async def ask(pictures: Sequence[bytes]) -> list[Answer]:
        return [VECTOR, answers.pop(0)] if len(pictures) == 2 else [answers.pop(0)]

    assert await with_faults_alone(ask, [b"a", b"b"]) == [VECTOR, VECTOR]
