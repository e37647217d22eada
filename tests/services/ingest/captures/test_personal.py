"""Products ranked for the user who sent the photo: what goes with the search, what is said of it, what turns it off."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from google.type import money_pb2
from vitrine.ingest.v1 import capture_pb2
from vitrine.ingest.v1 import capture_service_pb2 as pb
from vitrine.type.v1 import model_pb2, personal_context_pb2

from tests.services.ingest.captures.conftest import Mesh, User, request_id, working
from tests.services.ingest.captures.failures import Failure, failure_of

pytestmark = pytest.mark.service
State = capture_pb2.Capture

KNOWN = personal_context_pb2.PersonalContext(
    taste=model_pb2.Embedding(values=[0.0, 1.0], model="peer/1"),
    color_season="dark winter",
    sizes={"top": "M"},
    budget=money_pb2.Money(currency_code="EUR", units=60),
    preferred_brands=["Mare"],
    avoided_brands=["Kumo"],
    avoided_colors=["red"],
    avoided_materials=["wool"],
    departments=["men"],
    currency_code="EUR",
)
PARTS = [
    "taste", "color_season", "sizes", "budget", "preferred_brands", "avoided_brands", "avoided_colors",
    "avoided_materials", "departments", "currency_code",
]  # fmt: skip
ANYBODY = capture_pb2.OutfitOptions(skip_personal_ranking=True)


@pytest.fixture
async def a_worker(mesh: Mesh, quiet: None) -> AsyncIterator[None]:  # noqa: ARG001 - peers first
    async with working(mesh):
        yield


@pytest.fixture
def known(mesh: Mesh, user: User) -> User:
    """A user of whom the profile knows everything that a ranking may know."""
    mesh.peers.profile.contexts[user.subject] = KNOWN
    mesh.peers.profile.ranked_for.clear()
    return user


@pytest.mark.usefixtures("a_worker")
async def test_context_and_its_weights_go_with_the_search(mesh: Mesh, known: User, photo: bytes) -> None:
    mesh.peers.retrieval.unused.append("color_season")
    capture = await known.finished((await known.create(photo)).name)
    (asked,) = mesh.peers.profile.ranked_for
    assert (asked.name, asked.embedding_model) == (f"{known.name}/personalContext", "peer/1")
    (search,) = mesh.peers.retrieval.requests
    assert search.ranking.personal_context == KNOWN
    weights = search.ranking.weights
    assert [weights.taste, weights.size, weights.color_season] == pytest.approx([0.1, 0.1, 0.1])
    assert not weights.HasField("cosine")  # the published formula stays as it is
    assert list(capture.outfit.used_context) == [part for part in PARTS if part != "color_season"]
    assert list(capture.outfit.unused_context) == ["color_season"]
    assert not capture.degraded


@pytest.mark.usefixtures("a_worker")
async def test_what_is_avoided_alone_is_enough_to_search_for_the_user(mesh: Mesh, user: User, photo: bytes) -> None:
    avoided = personal_context_pb2.PersonalContext(avoided_brands=["Kumo"], departments=["men"])
    mesh.peers.profile.contexts[user.subject] = avoided
    capture = await user.finished((await user.create(photo)).name)
    assert mesh.peers.retrieval.requests[-1].ranking.personal_context == avoided
    assert list(capture.outfit.used_context) == ["avoided_brands", "departments"]


@pytest.mark.usefixtures("a_worker")
async def test_caller_switches_it_off(mesh: Mesh, known: User, photo: bytes) -> None:
    capture = await known.finished((await known.create(photo, outfit_options=ANYBODY)).name)
    assert not mesh.peers.profile.ranked_for
    assert not mesh.peers.retrieval.requests[-1].HasField("ranking")
    assert capture.outfit.matches
    assert not capture.outfit.used_context
    assert not capture.degraded


async def test_setting_switches_it_off(mesh: Mesh, known: User, photo: bytes) -> None:
    async with working(mesh, personal_ranking=False):
        capture = await known.finished((await known.create(photo)).name)
    assert not mesh.peers.profile.ranked_for
    assert not mesh.peers.retrieval.requests[-1].HasField("ranking")
    assert capture.outfit.matches
    assert not capture.degraded


@pytest.mark.usefixtures("a_worker")
async def test_user_of_whom_nothing_may_be_known_is_anybody(mesh: Mesh, user: User, photo: bytes) -> None:
    """So the profile answers for those who have withdrawn their consent."""
    capture = await user.finished((await user.create(photo)).name)
    assert not mesh.peers.retrieval.requests[-1].HasField("ranking")
    assert not capture.outfit.used_context
    assert not capture.degraded


@pytest.mark.parametrize(
    ("code", "delay_s", "attempts"),
    [
        pytest.param(grpc.StatusCode.UNAVAILABLE, 0.0, 2, id="away"),
        pytest.param(None, 3.0, 2, id="too slow"),
        pytest.param(grpc.StatusCode.UNIMPLEMENTED, 0.0, 1, id="an older version of it"),
    ],
)
@pytest.mark.usefixtures("a_worker")
async def test_search_goes_on_without_the_profile_and_says_so(
    mesh: Mesh, known: User, photo: bytes, code: grpc.StatusCode | None, delay_s: float, attempts: int
) -> None:
    mesh.peers.profile.ranking.code, mesh.peers.profile.ranking.delay_s = code, delay_s
    capture = await known.finished((await known.create(photo)).name)
    assert (capture.state, list(capture.degraded_parts)) == (State.STATE_SUCCEEDED, ["personal"])
    assert capture.outfit.matches
    assert capture.outfit.HasField("taste_change")
    assert not capture.outfit.used_context
    assert capture.attempt_count == attempts


@pytest.mark.usefixtures("a_worker")
async def test_profile_that_comes_back_in_time_is_heard(mesh: Mesh, known: User, photo: bytes) -> None:
    mesh.peers.profile.ranking.code = grpc.StatusCode.UNAVAILABLE
    request = pb.WatchCaptureRequest(name=(await known.create(photo)).name)
    async for event in known.captures.WatchCapture(request, metadata=known.metadata, timeout=30):
        if event.change.capture.stage == "waiting":
            mesh.peers.profile.ranking.code = None
    capture = await known.get(request.name)
    assert list(capture.outfit.used_context) == PARTS
    assert not capture.degraded


@pytest.mark.usefixtures("a_worker")
async def test_context_that_does_not_fit_the_shop_costs_no_product(mesh: Mesh, known: User, photo: bytes) -> None:
    mesh.peers.retrieval.refuses_persons = True
    capture = await known.finished((await known.create(photo)).name)
    assert [search.HasField("ranking") for search in mesh.peers.retrieval.requests] == [True, False]
    assert (capture.attempt_count, list(capture.degraded_parts)) == (1, ["personal"])
    assert len(capture.outfit.matches) == 2
    assert not capture.outfit.used_context


@pytest.mark.parametrize(
    ("known_beside", "used"),
    [
        pytest.param(KNOWN, [part for part in PARTS if part != "budget"], id="among others"),
        pytest.param(None, [], id="alone"),
    ],
)
@pytest.mark.usefixtures("a_worker")
async def test_budget_in_a_currency_without_a_rate_switches_off_nothing_else(
    mesh: Mesh, user: User, photo: bytes, known_beside: personal_context_pb2.PersonalContext | None, used: list[str]
) -> None:
    context = personal_context_pb2.PersonalContext()
    context.CopyFrom(known_beside or context)
    context.budget.CopyFrom(money_pb2.Money(currency_code="XTS", units=60))
    mesh.peers.profile.contexts[user.subject] = context
    capture = await user.finished((await user.create(photo)).name)
    first, second = mesh.peers.retrieval.requests
    expected = first.ranking
    expected.personal_context.ClearField("budget")
    assert second.ranking == expected
    assert len(capture.outfit.matches) == 2
    assert list(capture.outfit.used_context) == used
    assert list(capture.outfit.unused_context) == ["budget"]
    assert not capture.degraded


@pytest.mark.usefixtures("a_worker")
async def test_money_in_two_currencies_without_rates_is_left_out_bit_by_bit(
    mesh: Mesh, user: User, photo: bytes
) -> None:
    context = personal_context_pb2.PersonalContext(sizes={"top": "M"}, currency_code="XTS")
    context.budget.CopyFrom(money_pb2.Money(currency_code="XXX", units=60))
    mesh.peers.profile.contexts[user.subject] = context
    capture = await user.finished((await user.create(photo)).name)
    assert len(mesh.peers.retrieval.requests) == 3
    assert list(capture.outfit.used_context) == ["sizes"]
    assert set(capture.outfit.unused_context) == {"budget", "currency_code"}
    assert not capture.degraded


@pytest.mark.usefixtures("a_worker")
async def test_same_request_id_with_the_other_choice_is_another_request(known: User, photo: bytes) -> None:
    key = request_id()
    first = await known.create(photo, request_id=key)
    plain = await known.create(photo, request_id=key, outfit_options=capture_pb2.OutfitOptions())
    assert plain.name == first.name
    other = known.create(photo, request_id=key, outfit_options=ANYBODY)
    assert await failure_of(other) == Failure(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    await known.finished(first.name)
