"""The demo catalogue through the real vision service: what is drawn is found again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from vitrine.embedded.postgres import PostgresServer
from vitrine.retrieval.v1 import match_pb2, product_pb2
from vitrine.retrieval.v1 import search_service_pb2 as pb
from vitrine.sdk.catalog import CatalogSource

from mesh.keys import SigningKey, key_set
from mesh.server import serving
from retrieval_svc.__main__ import build as build_retrieval
from retrieval_svc.catalog.demo.export import write_catalog
from retrieval_svc.settings import RetrievalSettings
from tests.services.retrieval.conftest import Stubs, eventually
from tests.services.retrieval.rows import raw
from vision_svc.__main__ import build as build_vision
from vision_svc.settings import VisionSettings

pytestmark = pytest.mark.service

COUNT = 32
BY_LOOKS = match_pb2.RankingWeights(cosine=1, price=0, brand=0, availability=0)


@dataclass
class Shop:
    """Stubs of an operator, and what was imported."""

    stubs: Stubs
    rows: list[tuple[dict[str, str], bytes]]


@pytest.fixture(scope="module")
async def demo_shop(
    postgres: PostgresServer, models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("demo-shop")
    key = SigningKey.generate()
    (folder / "jwks.json").write_text(key_set([key]))
    key.save(folder / "service.pem")
    write_catalog(folder / "catalogue", COUNT, 7)
    source = CatalogSource(next((folder / "catalogue").glob("*.jsonl")))
    rows = [(columns, source.images(columns.pop("image"))[0].data) for _, columns in source.rows()]
    common = {"jwks": str(folder / "jwks.json"), "service_key_file": folder / "service.pem", "shutdown_grace_s": 1.0}
    ports = {"grpc_port": 0, "metrics_port": 0}
    async with serving(VisionSettings(models_dir=models_dir, **common, **ports), build_vision) as vision:  # type: ignore[arg-type]
        await vision.ready.wait()
        settings = RetrievalSettings(
            database_url=SecretStr(postgres.new_database()), objects_url=f"file://{folder}/objects",
            index_dir=folder / "index", vision_target=f"127.0.0.1:{vision.port}", **common, **ports,  # type: ignore[arg-type]
        )  # fmt: skip
        async with serving(settings, build_retrieval) as server:
            await server.ready.wait()
            stubs = Stubs(server.port, key.sign("ops", ["operator"], ttl_s=600))
            messages = [raw(number, [picture], **columns) for number, (columns, picture) in enumerate(rows, 1)]
            answer = await stubs.import_rows(messages)
            assert not answer.rejections
            await eventually(lambda: _has_vectors(stubs))
            yield Shop(stubs, rows)
            await stubs.channel.close()


async def _has_vectors(stubs: Stubs) -> bool:
    index = await stubs.index()
    return index.state == pb.INDEX_STATE_READY and index.vector_count == COUNT


async def test_every_product_is_found_by_its_picture(demo_shop: Shop) -> None:
    first, likeness = 0, []
    for columns, picture in demo_shop.rows:
        request = pb.SearchProductsRequest(ranking=pb.RankingOptions(weights=BY_LOOKS), page_size=3)
        request.image.data = picture
        answer = await demo_shop.stubs.search.SearchProducts(request)
        names = [match.product.name for match in answer.matches]
        assert f"products/{columns['sku']}" in names
        first += names[0] == f"products/{columns['sku']}"
        likeness.append(answer.matches[0].terms[0].value)
    assert first >= 0.9 * COUNT
    assert min(likeness) > 0.9, likeness


async def test_words_find_what_the_title_says(demo_shop: Shop) -> None:
    for columns, _ in demo_shop.rows[:8]:
        request = pb.SearchProductsRequest(text=columns["title"])
        answer = await demo_shop.stubs.search.SearchProducts(request)
        assert answer.matches[0].product.title == columns["title"]
        assert {use.task for use in answer.models} >= {"products.index"}


async def test_vectors_name_their_model(demo_shop: Shop) -> None:
    index = await demo_shop.stubs.index()
    request = pb.SearchProductsRequest(product=f"products/{demo_shop.rows[0][0]['sku']}")
    answer = await demo_shop.stubs.search.SearchProducts(request)
    assert {use.model for use in answer.models} == {index.model}
    for match in answer.matches:
        assert match.product.vector_state == product_pb2.VECTOR_STATE_READY
        assert match.product.vector_model == index.model
