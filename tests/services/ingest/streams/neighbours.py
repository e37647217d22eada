"""Vision, retrieval and profile as small real gRPC servers that answer as told; the real ones are met in tests/mesh."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from vitrine.profile.v1 import profile_service_pb2, profile_service_pb2_grpc
from vitrine.retrieval.v1 import search_service_pb2, search_service_pb2_grpc
from vitrine.type.v1 import garment_pb2, model_pb2, personal_context_pb2
from vitrine.vision.v1 import garment_service_pb2, garment_service_pb2_grpc

_VECTOR = model_pb2.Embedding(values=[0.6, 0.8], model="stand-in/1")


@dataclass
class Neighbours:
    """What the stand-ins shall do, and what reached them.

    Attributes:
        away: Services that answer UNAVAILABLE: ``vision``, ``retrieval``, ``profile``.
        delay_s: How long vision takes.
        pictures: The pictures that reached vision.
        sightings: How often each event id reached the profile.
        recorded: Event ids that count.
        persons: What is known of users, by user.
        searches: The searches that reached retrieval.
        port: Where they listen.
    """

    away: set[str] = field(default_factory=set)
    delay_s: float = 0.0
    pictures: list[bytes] = field(default_factory=list)
    sightings: Counter[str] = field(default_factory=Counter)
    recorded: set[str] = field(default_factory=set)
    persons: dict[str, personal_context_pb2.PersonalContext] = field(default_factory=dict)
    searches: list[Any] = field(default_factory=list)
    port: int = 0

    async def answer(self, name: str, context: Any) -> None:
        if name in self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")

    async def analyze(self, request: Any, context: Any) -> Any:
        self.pictures.append(request.image.data)
        await self.answer("vision", context)
        await asyncio.sleep(self.delay_s)
        garment = garment_pb2.Garment(
            garment_id="g0", bucket=garment_pb2.GARMENT_BUCKET_TOP, category="shirt", score=0.9, embedding=_VECTOR
        )
        garment.mask.png = b"mask"
        analysis = garment_service_pb2.ImageAnalysis(garments=[garment], person_count=1)
        analysis.models.add(task="garments.parse", model="stand-in/1")
        return garment_service_pb2.AnalyzeImageResponse(analysis=analysis)

    async def match(self, request: Any, context: Any) -> Any:
        await self.answer("retrieval", context)
        self.searches.append(request)
        response = search_service_pb2.MatchGarmentsResponse()
        for garment in request.garments:
            response.garments.add(garment_id=garment.garment_id).matches.add(score=0.5)
        return response

    async def person(self, request: Any, context: Any) -> Any:
        await self.answer("profile", context)
        known = self.persons.get(request.name.split("/")[1])
        return profile_service_pb2.GetPersonalContextResponse(context=known)

    async def record(self, request: Any, context: Any) -> Any:
        await self.answer("profile", context)
        self.sightings[request.event_id] += 1
        self.recorded.add(request.event_id)
        response = profile_service_pb2.RecordSightingResponse()
        response.change.event_id, response.change.stream = request.event_id, request.stream
        return response

    async def erase(self, _: Any, context: Any) -> Any:
        await self.answer("profile", context)
        return profile_service_pb2.EraseProfileResponse()


@asynccontextmanager
async def neighbours() -> AsyncIterator[Neighbours]:
    """Serves all three on one port."""
    made = Neighbours()
    server = grpc.aio.server()
    vision, retrieval = garment_service_pb2_grpc, search_service_pb2_grpc
    profile = profile_service_pb2_grpc
    vision.add_GarmentServiceServicer_to_server(_only(vision.GarmentServiceServicer, AnalyzeImage=made.analyze), server)
    retrieval.add_SearchServiceServicer_to_server(
        _only(retrieval.SearchServiceServicer, MatchGarments=made.match), server
    )
    profile.add_ProfileServiceServicer_to_server(
        _only(
            profile.ProfileServiceServicer,
            RecordSighting=made.record,
            EraseProfile=made.erase,
            GetPersonalContext=made.person,
        ),
        server,
    )
    made.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield made
    finally:
        await server.stop(0)


def _only(base: type[Any], **rpcs: Any) -> Any:
    """A servicer of which some RPCs are served."""
    servicer = base()
    for name, behaviour in rpcs.items():
        setattr(servicer, name, behaviour)
    return servicer
