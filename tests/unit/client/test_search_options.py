"""Options of a search: what they become in a request, and how they are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
import jwt
import pytest
from google.protobuf.message import Message
from google.protobuf.text_format import Parse
from google.rpc import error_details_pb2, status_pb2
from google.type.money_pb2 import Money
from grpc_status import rpc_status
from typer.testing import CliRunner, Result
from vitrine.cli import app
from vitrine.profile.v1 import profile_service_pb2, taste_pb2
from vitrine.retrieval.v1 import search_service_pb2 as pb
from vitrine.sdk import SearchOptions, money_of
from vitrine.type.v1 import personal_context_pb2

pytestmark = pytest.mark.unit
CONTEXT = personal_context_pb2.PersonalContext(sizes={"top": "M"})


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("50EUR", "", Money(currency_code="EUR", units=50)),
        (" 49.90 usd ", "", Money(currency_code="USD", units=49, nanos=900_000_000)),
        ("0.0001EUR", "", Money(currency_code="EUR", nanos=100_000)),
        ("50", "JPY", Money(currency_code="JPY", units=50)),
        ("50GBP", "JPY", Money(currency_code="GBP", units=50)),
    ],
    ids=["plain", "decimals", "least", "default", "own-before-default"],
)
def test_money_is_read(text: str, currency: str, expected: Money) -> None:
    assert money_of(text, currency) == expected


@pytest.mark.parametrize("text", ["", "50", "EUR", "EUR50", "-5EUR", "5,50EUR", "1e3EUR", "50 euros", "\u0665EUR!"])
def test_what_is_no_money_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 49\.90EUR, got"):
        money_of(text)


def test_no_options_are_the_ranking_for_anybody() -> None:
    assert SearchOptions().ranking() == Parse("filter { }", pb.RankingOptions())


OPTIONS: dict[str, str] = {
    "--category coat --category dress": 'filter { categories: "coat" categories: "dress" }',
    "--color navy": 'filter { colors: "navy" }',
    "--brand Mare --size M": 'filter { brands: "Mare" sizes: "M" }',
    "--gender women --gender kids": "filter { genders: GENDER_WOMEN genders: GENDER_KIDS }",
    "--in-stock": "filter { availabilities: AVAILABILITY_IN_STOCK availabilities: AVAILABILITY_LOW_STOCK }",
    "--max-price 50EUR": 'filter { max_price { currency_code: "EUR" units: 50 } }',
    "--min-price 5 --currency usd": (
        'filter { min_price { currency_code: "USD" units: 5 } } currency_code: "USD"'
    ),
    "--budget 80GBP": 'filter { } budget { currency_code: "GBP" units: 80 }',
    "--diverse": "filter { } diversity: 0.3 collapse_duplicates: true",
    "--personal": (
        "filter { } weights { taste: 0.1 size: 0.1 color_season: 0.1 } "
        'personal_context { sizes { key: "top" value: "M" } }'
    ),
}  # fmt: skip


class Mesh:
    """Answers searches and undos on a port, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.refusal: status_pb2.Status | None = None

    def find(self, request: pb.SearchProductsRequest, context: grpc.ServicerContext) -> pb.SearchProductsResponse:
        self.asked.append(request)
        if self.refusal is not None:
            context.abort_with_status(rpc_status.to_status(self.refusal))
        return pb.SearchProductsResponse(next_page_token="after")  # noqa: S106  no secret

    def index(self, _: pb.GetIndexRequest, __: grpc.ServicerContext) -> pb.GetIndexResponse:
        return pb.GetIndexResponse(model="fashion/7")

    def context(
        self, request: profile_service_pb2.GetPersonalContextRequest, _: grpc.ServicerContext
    ) -> profile_service_pb2.GetPersonalContextResponse:
        self.asked.append(request)
        return profile_service_pb2.GetPersonalContextResponse(context=CONTEXT)

    def undo(
        self, request: profile_service_pb2.UndoSightingRequest, _: grpc.ServicerContext
    ) -> profile_service_pb2.UndoSightingResponse:
        again = request in self.asked
        self.asked.append(request)
        change = taste_pb2.TasteChange(event_id="c1", undo=True)
        return profile_service_pb2.UndoSightingResponse(change=change, duplicate=again)

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        search, profile = "vitrine.retrieval.v1.SearchService", "vitrine.profile.v1.ProfileService"
        profiles = {
            "GetPersonalContext": _unary(self.context, profile_service_pb2.GetPersonalContextRequest),
            "UndoSighting": _unary(self.undo, profile_service_pb2.UndoSightingRequest),
        }
        searches = {
            "SearchProducts": _unary(self.find, pb.SearchProductsRequest),
            "GetIndex": _unary(self.index, pb.GetIndexRequest),
        }
        return [
            grpc.method_handlers_generic_handler(search, searches),
            grpc.method_handlers_generic_handler(profile, profiles),
        ]


def _unary(method: Callable[[Any, grpc.ServicerContext], Any], request: type[Message]) -> Any:
    return grpc.unary_unary_rpc_method_handler(method, request.FromString, lambda message: message.SerializeToString())


@pytest.fixture
def mesh() -> Mesh:
    return Mesh()


@pytest.fixture
def run(mesh: Mesh) -> Iterator[Callable[[str], Result]]:
    """Runs the command line against the mesh."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(mesh.handlers())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    token = jwt.encode({"sub": "ada"}, "k" * 32, "HS256")
    shared = ["--target", f"127.0.0.1:{port}", "--token", token]
    yield lambda words: CliRunner().invoke(app, [*shared, *words.split()], env={"COLUMNS": "200"})
    server.stop(None).wait()


@pytest.mark.parametrize("words", OPTIONS)
def test_options_become_the_request(run: Callable[[str], Result], mesh: Mesh, words: str) -> None:
    result = run(f"search dress -n 3 {words}")
    assert result.exit_code == 0, result.output
    ranking = Parse(OPTIONS[words], pb.RankingOptions())
    assert mesh.asked[-1] == pb.SearchProductsRequest(text="dress", page_size=3, ranking=ranking)


def test_personal_asks_for_the_own_taste_in_the_space_of_the_index(run: Callable[[str], Result], mesh: Mesh) -> None:
    assert run("search dress --personal").exit_code == 0
    name = "users/ada/personalContext"
    assert mesh.asked[0] == profile_service_pb2.GetPersonalContextRequest(name=name, embedding_model="fashion/7")


def test_next_page_is_named_and_asked_for(run: Callable[[str], Result], mesh: Mesh) -> None:
    assert "more: --page after" in run("search dress").output.splitlines()
    assert run("search dress --page after").exit_code == 0
    assert mesh.asked[-1].page_token == "after"  # noqa: S105  no secret


REFUSED = {
    "search dress --max-price 50": "--max-price: must be an amount and its currency, such as 49.90EUR, got '50'",
    "search dress --min-price cheap": "--min-price: must be an amount",
    "search dress --budget 5,50EUR": "--budget: must be an amount",
    "search dress --currency euros": "--currency: must be three letters, such as EUR, got 'euros'",
    "search dress --gender martians": "--gender",
    "undo users/bob/captures/c1": "of users/ada",
    "undo users/ada/streams/s1": "a capture or a sighting",
}


@pytest.mark.parametrize("words", REFUSED)
def test_wrong_options_are_named_before_anything_is_asked(run: Callable[[str], Result], mesh: Mesh, words: str) -> None:
    result = run(words)
    assert result.exit_code == 2
    assert REFUSED[words] in result.stderr
    assert not mesh.asked


def test_what_the_mesh_refuses_is_told_with_the_option(run: Callable[[str], Result], mesh: Mesh) -> None:
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="ranking.filter.max_price", description="no exchange rate is known for 'XTS'")
    mesh.refusal = status_pb2.Status(code=3, message="ranking.filter.max_price: no exchange rate is known for 'XTS'")
    mesh.refusal.details.add().Pack(bad)
    result = run("search dress --max-price 50XTS")
    assert result.exit_code == 1
    assert "--max-price: no exchange rate is known for 'XTS'" in result.stderr
    assert "ranking.filter" not in result.stderr


@pytest.mark.parametrize("name", ["c1", "users/ada/captures/c1", "users/ada/sightings/c1"])
def test_undo_takes_a_capture_or_its_sighting(run: Callable[[str], Result], mesh: Mesh, name: str) -> None:
    first, again = run(f"undo {name}"), run(f"undo {name}")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert [request.name for request in mesh.asked] == ["users/ada/sightings/c1"] * 2
    assert "a sighting was taken back" in first.output
    assert "nothing changed" in again.output


@pytest.mark.parametrize("command", ["search", "undo"])
def test_help_fits_80_columns(command: str) -> None:
    lines = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80"}).output.splitlines()
    assert lines
    assert all(len(line) <= 80 for line in lines)
    assert not any("\u2026" in line for line in lines)
