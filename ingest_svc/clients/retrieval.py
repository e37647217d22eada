"""Asking retrieval what is like a garment."""

from __future__ import annotations

from collections.abc import Sequence

import grpc.aio
from vitrine.retrieval.v1 import search_service_pb2, search_service_pb2_grpc
from vitrine.type.v1 import garment_pb2

from ingest_svc.captures.outfit import Matches
from mesh.status import error_from_rpc

DEPENDENCY = "retrieval"
_MAX_GARMENTS = 20  # the limit of MatchGarmentsRequest.garments


class RetrievalClient:
    """Implements `ingest_svc.captures.pipeline.Retrieval` over gRPC."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._search = search_service_pb2_grpc.SearchServiceStub(channel)

    async def match(
        self,
        garments: Sequence[garment_pb2.Garment],
        *,
        ranking: search_service_pb2.RankingOptions | None,
        max_matches: int,
        deadline_s: float,
    ) -> Matches:
        """Finds products for garments.

        Args:
            garments: The garments with their embeddings; the first 20 count.
            ranking: How to rank; None as for anybody.
            max_matches: Products per garment, 1-30.
            deadline_s: Time limit in seconds.

        Returns:
            One entry per garment, in order.

        Raises:
            VitrineError: As the service answered.
        """
        request = search_service_pb2.MatchGarmentsRequest(max_matches=max_matches, ranking=ranking)
        request.garments.extend(_without_pixels(garment) for garment in garments[:_MAX_GARMENTS])
        try:
            response = await self._search.MatchGarments(request, timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error, dependency=DEPENDENCY) from error
        return Matches(tuple(response.garments), tuple(response.models), tuple(response.unused_context))


def _without_pixels(garment: garment_pb2.Garment) -> garment_pb2.Garment:
    """Leaves out what a search has no use for: where the garment is in the picture."""
    lean = garment_pb2.Garment()
    lean.CopyFrom(garment)
    lean.ClearField("mask")
    lean.ClearField("outlines")
    return lean
