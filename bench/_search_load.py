"""What `bench/search.py` asks of the service."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import numpy as np
import numpy.typing as npt
from google.type import date_pb2
from vitrine.retrieval.v1 import catalog_service_pb2, match_pb2, product_pb2, search_service_pb2
from vitrine.type.v1 import model_pb2

from bench._search_data import MODEL, FloatArray, Sample, product_id
from bench._search_service import RetrievalService

_BY_LOOKS = match_pb2.RankingWeights(cosine=1, price=0, brand=0, availability=0)
_SEARCHERS = 2


@dataclass(frozen=True, slots=True)
class Load:
    """Searches to make: float32 `(n, D)`, and the filter of all of them."""

    queries: FloatArray
    wanted: product_pb2.ProductFilter = field(default_factory=product_pb2.ProductFilter)


def filters_of(tag: str | None) -> product_pb2.ProductFilter:
    """Returns the filter for a tag; None lets everything through."""
    return product_pb2.ProductFilter(tags=[tag] if tag else [])


def request_of(
    vector: FloatArray,
    wanted: product_pb2.ProductFilter,
    weights: match_pb2.RankingWeights | None = None,
    page_size: int = 0,
) -> search_service_pb2.SearchProductsRequest:
    """Returns a search by embedding; with the defaults of the contract where nothing is said."""
    return search_service_pb2.SearchProductsRequest(
        embedding=model_pb2.Embedding(values=vector.tolist(), model=MODEL),
        ranking=search_service_pb2.RankingOptions(filter=wanted, weights=weights),
        page_size=page_size,
    )


async def timed_searches(service: RetrievalService, load: Load) -> list[float]:
    """Makes searches one after the other, and returns the time of each, in seconds."""
    times = []
    for vector in load.queries:
        request = request_of(vector, load.wanted)
        began = time.perf_counter()
        await service.search(request)
        times.append(time.perf_counter() - began)
    return times


async def recall_at_10(
    service: RetrievalService,
    sample: Sample,
    wanted: product_pb2.ProductFilter,
    mask: npt.NDArray[np.bool_],
    count: int,
) -> float:
    """Returns the share of the ten nearest products, by exact arithmetic, that the service finds.

    Args:
        service: The service.
        sample: Its catalogue.
        wanted: The filter.
        mask: bool `(N,)`: what the filter lets through.
        count: How many searches.
    """
    return round(await _recall(service, sample, Load(sample.queries(count, 3), wanted), mask), 4)


async def against_the_grain(service: RetrievalService, sample: Sample, count: int) -> float:
    """Returns recall@10 for products of a category that the queries are not near to: the hard case for a graph."""
    categories = np.array(sample.categories)
    shares = []
    for number, name in enumerate(sorted(set(sample.categories))[:4]):
        mask = categories == name
        queries = sample.queries(max(10, count // 4), 40 + number, among=~mask)
        load = Load(queries, product_pb2.ProductFilter(categories=[name]))
        shares.append(await _recall(service, sample, load, mask))
    return round(float(np.mean(shares)), 4)


async def _recall(service: RetrievalService, sample: Sample, load: Load, mask: npt.NDArray[np.bool_]) -> float:
    hits = total = 0
    for vector in load.queries:
        truth = {f"products/{product_id(row)}" for row in sample.nearest(vector, mask, 10)}
        answer = await service.search(request_of(vector, load.wanted, weights=_BY_LOOKS, page_size=10))
        hits += len(truth & {match.product.name for match in answer.matches})
        total += len(truth)
    return hits / max(total, 1)


def scan_cpu_s(sample: Sample, count: int) -> float:
    """Returns the CPU time of one search by exact arithmetic, in seconds: what there is to beat.

    It is the least that a search without a graph can do: cosines with every product and the twenty best of them, in
    numpy, without a formula, a filter, products or a wire.
    """
    queries = sample.queries(count, 5)
    began = time.process_time()
    for vector in queries:
        scores = sample.vectors @ vector
        first = np.argpartition(-scores, 20)[:20]
        first[np.argsort(-scores[first])].tolist()
    return (time.process_time() - began) / count


async def swap_under_load(service: RetrievalService, sample: Sample, within_s: float) -> dict[str, Any]:
    """Lets the service build a new index, by new exchange rates, and searches until it is in place.

    Returns:
        How many searches were made and failed, their slowest and 99th percentile in ms, and the seconds it took.
    """
    before, times, failed, stopped = (await service.index()).generation, list[float](), list[str](), asyncio.Event()

    async def searcher(number: int) -> None:
        queries, place = sample.queries(200, 10 + number), 0
        while not stopped.is_set():
            began = time.perf_counter()
            try:
                answer = await service.search(request_of(queries[place % 200], filters_of(None)))
                if len(answer.matches) != 20:
                    failed.append(f"{len(answer.matches)} matches")
            except grpc.aio.AioRpcError as error:
                failed.append(error.code().name)
            times.append(time.perf_counter() - began)
            place += 1
            await asyncio.sleep(0.005)

    began = time.perf_counter()
    searchers = [asyncio.create_task(searcher(number)) for number in range(_SEARCHERS)]
    try:
        await service.write_rates(_rates(before))
        await service.until_generation(before + 1, within_s)
        await asyncio.sleep(1.0)
    finally:
        stopped.set()
        await asyncio.gather(*searchers)
    return {
        "searches": len(times), "failed": len(failed), "why": sorted(set(failed)),
        "p99_ms": round(float(np.quantile(times, 0.99)) * 1e3, 1), "slowest_ms": round(max(times) * 1e3, 1),
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def _rates(generation: int) -> catalog_service_pb2.UpsertCurrencyRatesRequest:
    """Rates that the generation before did not have."""
    day = dt.datetime.now(dt.UTC).date()
    date = date_pb2.Date(year=day.year, month=day.month, day=day.day)
    rate = catalog_service_pb2.CurrencyRate(
        currency_code="USD", units_per_euro=1.05 + 0.01 * (generation % 20), date=date, source="bench"
    )
    return catalog_service_pb2.UpsertCurrencyRatesRequest(rates=[rate])
