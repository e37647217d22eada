"""SearchService."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from vitrine.retrieval.v1 import search_service_pb2, search_service_pb2_grpc
from vitrine.type.v1 import garment_pb2

from mesh.errors import InvalidInputError
from mesh.paging import clamp_page_size, decode_token, encode_token
from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.product import product_id_of
from retrieval_svc.catalog.vocabulary import Bucket
from retrieval_svc.index.health import IndexHealth
from retrieval_svc.index.manager import IndexManager
from retrieval_svc.index.schema import index_filter
from retrieval_svc.search.candidates import MAX_RANK
from retrieval_svc.search.counts import FilterCounts
from retrieval_svc.search.paging import ANCHORS
from retrieval_svc.search.query import GarmentQuery, PictureQuery, Query, SimilarQuery, TextQuery, VectorQuery
from retrieval_svc.search.service import Search
from retrieval_svc.servicers import matches
from retrieval_svc.servicers.products import date_to_proto, time_to_proto
from retrieval_svc.storage.pending import PendingVectors

_RPC = "SearchProducts"
_MAX_MATCHES = 30


class SearchServicer(search_service_pb2_grpc.SearchServiceServicer):
    """Serves `vitrine.retrieval.v1.SearchService`."""

    def __init__(self, search: Search, manager: IndexManager, pending: PendingVectors) -> None:
        self._search = search
        self._manager = manager
        self._pending = pending
        self._counts = FilterCounts(2)

    async def SearchProducts(
        self,
        request: search_service_pb2.SearchProductsRequest,
        context: Any,
    ) -> search_service_pb2.SearchProductsResponse:
        """Finds products."""
        size = clamp_page_size(request.page_size, default=20, maximum=100)
        arguments = {"query": _fingerprint(request)}
        offset, shown = _cursor(decode_token(_RPC, arguments, request.page_token))
        options = matches.options_from_proto(request.ranking)
        answer = await self._search.search(_query(request), options, offset, size, shown=shown)
        page = answer.page
        last = [match.product.product_id for match in reversed(page.matches[-ANCHORS:])]
        more = encode_token(_RPC, arguments, [page.end, *last]) if page.has_more else ""
        return search_service_pb2.SearchProductsResponse(
            matches=matches.matches_to_proto(page.matches),
            next_page_token=more,
            tiers=matches.tiers_to_proto(page.tiers) if offset == 0 else None,
            certificate=matches.certificate_to_proto(page.certificate),
            models=matches.uses_to_proto(answer.models),
            rates_date=date_to_proto(answer.rates_date),
            unused_context=answer.unused_context,
            understood=matches.wishes_to_proto(answer.wishes) if answer.wishes else None,
        )

    async def MatchGarments(
        self,
        request: search_service_pb2.MatchGarmentsRequest,
        context: Any,
    ) -> search_service_pb2.MatchGarmentsResponse:
        """Finds products for the garments of an outfit."""
        size = clamp_page_size(request.max_matches, default=_MAX_MATCHES, maximum=_MAX_MATCHES)
        garments = _garments(request.garments)
        answer = await self._search.match(garments, matches.options_from_proto(request.ranking), size)
        return search_service_pb2.MatchGarmentsResponse(
            garments=[matches.garment_to_proto(garment_id, page) for garment_id, page in answer.garments],
            models=matches.uses_to_proto(answer.models),
            rates_date=date_to_proto(answer.rates_date),
            unused_context=answer.unused_context,
        )

    async def GetIndex(
        self,
        request: search_service_pb2.GetIndexRequest,
        context: Any,
    ) -> search_service_pb2.GetIndexResponse:
        """Says how far the index is."""
        pending = await self._pending.count()
        health = self._manager.health()  # after the wait: a generation that was swapped out meanwhile is closed
        message = search_service_pb2.GetIndexResponse(
            state=search_service_pb2.IndexState.ValueType(health.phase),
            engine=health.engine,
            pending_vector_count=pending,
            last_error=health.last_error,
        )
        await self._describe(message, health)
        return message

    async def _describe(self, message: search_service_pb2.GetIndexResponse, health: IndexHealth) -> None:
        current = health.current
        if current is None:
            return
        state = current.state
        message.generation, message.model, message.dimension = state.generation, state.model, state.dimension
        everything, with_vector = (
            index_filter(ProductFilter(), state.rates, with_vector=stated) for stated in (False, True)
        )
        message.product_count = await self._counts.count(current, everything)
        message.vector_count = await self._counts.count(current, with_vector)
        message.graph_built = state.graph_built
        message.build_time.CopyFrom(time_to_proto(state.build_time))


def _query(request: search_service_pb2.SearchProductsRequest) -> Query:
    match request.WhichOneof("query"):
        case "image":
            if not request.image.data:
                raise InvalidInputError.of("image.data", "must hold a picture, got no bytes", "IMAGE_EMPTY")
            return PictureQuery(request.image.data)
        case "text":
            if not request.text.strip():
                raise InvalidInputError.of("text", "must have a word, got blanks only")
            return TextQuery(request.text, request.words_only)
        case "embedding":
            return VectorQuery(matches.vector_from_proto(request.embedding))
        case "garment":
            return _garment(request.garment, "garment")
        case "product":
            return SimilarQuery(product_id_of(request.product))
    raise InvalidInputError.of("query", "one of image, text, embedding, garment, product is required")


def _garments(garments: Sequence[garment_pb2.Garment]) -> list[GarmentQuery]:
    queries: list[GarmentQuery] = []
    seen: set[str] = set()
    for place, garment in enumerate(garments):
        if garment.garment_id in seen:
            text = f"must be different for each garment, got {garment.garment_id!r} twice"
            raise InvalidInputError.of(f"garments[{place}].garment_id", text)
        seen.add(garment.garment_id)
        queries.append(GarmentQuery(garment.garment_id, _garment(garment, f"garments[{place}]")))
    return queries


def _garment(garment: garment_pb2.Garment, path: str) -> VectorQuery:
    if not garment.HasField("embedding"):
        raise InvalidInputError.of(f"{path}.embedding", "is required: a garment is found by its vector")
    return VectorQuery(matches.vector_from_proto(garment.embedding), f"{path}.embedding", Bucket(int(garment.bucket)))


def _fingerprint(request: search_service_pb2.SearchProductsRequest) -> str:
    """A hash of everything that decides the order, so that a token holds for one search only."""
    same = search_service_pb2.SearchProductsRequest()
    same.CopyFrom(request)
    same.ClearField("page_size")
    same.ClearField("page_token")
    return hashlib.sha256(same.SerializeToString(deterministic=True)).hexdigest()


def _cursor(cursor: list[str | int | float | bool | None] | None) -> tuple[int, list[str]]:
    """Reads where the page before ended: its place, and the last products that it showed."""
    if cursor is None:
        return 0, []
    offset, *last = cursor or [None]
    shown = [product_id for product_id in last if isinstance(product_id, str)]
    if isinstance(offset, int) and 0 <= offset <= MAX_RANK and len(shown) == len(last) <= ANCHORS:
        return offset, shown
    raise InvalidInputError.of("page_token", "is damaged", "INVALID_PAGE_TOKEN")
