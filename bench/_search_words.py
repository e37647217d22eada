"""How well typed words find what they mean, on the demo catalogue and through the real vision service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc.aio
from pydantic import SecretStr
from vitrine.embedded.find import find_models_dir
from vitrine.retrieval.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    product_pb2,
    search_service_pb2,
    search_service_pb2_grpc,
)
from vitrine.sdk import CatalogSource, Vitrine, import_catalog

from bench._search_blind import BLIND, blind_report, fits_exactly
from bench._search_blind2 import BLIND2
from bench._search_queries import QUERIES, TypedQuery
from mesh.keys import SigningKey, key_set
from mesh.server import serving
from retrieval_svc.__main__ import build as build_retrieval
from retrieval_svc.catalog.demo.export import DEFAULT_COUNT, DEFAULT_SEED, write_catalog
from retrieval_svc.settings import RetrievalSettings
from vision_svc.__main__ import build as build_vision
from vision_svc.settings import VisionSettings

TOP = 5
Ask = Callable[[str], Awaitable[search_service_pb2.SearchProductsResponse]]


def fits(product: product_pb2.Product, wanted: TypedQuery) -> bool:
    """Whether a product is what a query means."""
    colors = {color.name for color in product.colors}
    return product.category in wanted.categories and (not wanted.colors or bool(colors & set(wanted.colors)))


async def judged(ask: Ask, products: Sequence[product_pb2.Product], table: Sequence[TypedQuery]) -> dict[str, Any]:
    """Asks every query.

    Args:
        ask: Searches for a text; at least five matches, where there are so many.
        products: The whole catalogue.
        table: The queries.

    Returns:
        `right`: share of queries whose first five fit, all of them, or all that there are; `first`: share whose first
        one fits; `precision`: share of the fitting products among the first five; `wrong`: the texts that failed.
    """
    right, first, precision, wrong = 0, 0, [], []
    for wanted in table:
        found = [fits(match.product, wanted) for match in (await ask(wanted.text)).matches[:TOP]]
        possible = min(TOP, sum(fits(product, wanted) for product in products))
        good = possible > 0 and sum(found) >= possible and found[0]
        right += good
        first += bool(found and found[0])
        precision.append(sum(found) / possible if possible else 0.0)
        if not good:
            wrong.append(wanted.text)
    count = len(table)
    shares = {"right": right / count, "first": first / count, "precision": sum(precision) / count}
    return {name: round(value, 3) for name, value in shares.items()} | {"queries": count, "wrong": wrong}


async def text_report(
    database_url: str, folder: Path, models_dir: Path | None = None, products: int = DEFAULT_COUNT
) -> dict[str, Any]:
    """Imports the demo catalogue and asks every query.

    A smaller catalogue has not everything that is asked for: what nothing in it fits exactly is not asked there.

    Args:
        database_url: Of an empty database.
        folder: For files; it is made.
        models_dir: Where the vision service's models are; found by itself when left out.
        products: How many products.

    Returns:
        What `judged` says of the adapted table, and `blind`, `blind2`: what `blind_report` says of the blind ones.
    """
    await asyncio.to_thread(write_catalog, folder / "catalogue", products, DEFAULT_SEED)
    key = SigningKey.generate()
    (folder / "jwks.json").write_text(key_set([key]))
    key.save(folder / "service.pem")
    common: dict[str, Any] = {
        "jwks": str(folder / "jwks.json"), "service_key_file": folder / "service.pem", "shutdown_grace_s": 1.0,
        "grpc_port": 0, "metrics_port": 0, "log_level": "error",
    }  # fmt: skip
    async with serving(VisionSettings(**_models(models_dir), **common), build_vision) as vision:
        await vision.ready.wait()
        settings = RetrievalSettings(
            database_url=SecretStr(database_url), objects_url=f"file://{folder}/objects", index_dir=folder / "index",
            vision_target=f"127.0.0.1:{vision.port}", **common,
        )  # fmt: skip
        async with serving(settings, build_retrieval) as server:
            await server.ready.wait()
            token = key.sign("bench", ["operator"], ttl_s=3600)
            async with Vitrine(f"127.0.0.1:{server.port}", user="bench", token=token) as client:
                await import_catalog(client, CatalogSource(folder / "catalogue" / "catalog.jsonl"))
                report = await _asked(f"127.0.0.1:{server.port}", token, whole=products >= DEFAULT_COUNT)
    print(
        f"text: {report['right']:.1%} of {report['queries']} queries right in the top {TOP}; wrong: {report['wrong']}"
    )
    for name in ("blind", "blind2"):
        blind = report[name]
        shares = f"{blind['right']:.1%} of {blind['queries']} right, {blind['exact']:.1%} exact"
        print(f"{name} text: {shares}; {blind['wrong']}")
    return report


def _models(stated: Path | None) -> dict[str, Any]:
    found = stated or find_models_dir()
    return {"models_dir": found} if found else {}


async def _asked(target: str, token: str, *, whole: bool) -> dict[str, Any]:
    metadata = (("authorization", f"Bearer {token}"),)
    async with grpc.aio.insecure_channel(target) as channel:
        search = search_service_pb2_grpc.SearchServiceStub(channel)
        catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        products: list[product_pb2.Product] = []
        request = catalog_service_pb2.ListProductsRequest(page_size=200)
        while True:
            page = await catalog.ListProducts(request, metadata=metadata)
            products += page.products
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        for _ in range(300):
            index = await search.GetIndex(search_service_pb2.GetIndexRequest(), metadata=metadata)
            if index.state == search_service_pb2.INDEX_STATE_READY and index.vector_count == len(products):
                break
            await asyncio.sleep(0.2)

        async def ask(text: str) -> search_service_pb2.SearchProductsResponse:
            return await search.SearchProducts(
                search_service_pb2.SearchProductsRequest(text=text, page_size=TOP), metadata=metadata
            )

        adapted = [wanted for wanted in QUERIES if whole or any(fits(product, wanted) for product in products)]
        blind = {
            name: [query for query in table if whole or any(fits_exactly(product, query) for product in products)]
            for name, table in {"blind": BLIND, "blind2": BLIND2}.items()
        }
        reports = {name: await blind_report(ask, products, table) for name, table in blind.items()}
        return await judged(ask, products, adapted) | reports
