"""The services that ingest calls, as small real gRPC servers with answers that are known beforehand."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from vitrine.embedded.ports import free_port
from vitrine.profile.v1 import profile_pb2, profile_service_pb2, profile_service_pb2_grpc, taste_pb2
from vitrine.retrieval.v1 import match_pb2, search_service_pb2, search_service_pb2_grpc
from vitrine.type.v1 import garment_pb2, model_pb2, personal_context_pb2
from vitrine.vision.v1 import garment_service_pb2, garment_service_pb2_grpc

from mesh.errors import FailedPreconditionError, InvalidInputError, NotFoundError, VitrineError
from mesh.status import DETAILS_KEY, status_of


@dataclass
class Behaviour:
    """How a peer behaves at the moment."""

    delay_s: float = 0.0
    code: grpc.StatusCode | None = None
    error: VitrineError | None = None

    async def act(self, context: Any) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.error is not None:
            status = status_of(self.error)
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT if isinstance(self.error, InvalidInputError) else
                grpc.StatusCode.FAILED_PRECONDITION,
                status.message, trailing_metadata=((DETAILS_KEY, status.SerializeToString()),),
            )  # fmt: skip
        if self.code is not None:
            await context.abort(self.code, "as told")


class Peer:
    """A server on one port that can go away and come back."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self.port = 0
        self._server: grpc.aio.Server | None = None

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def register(self, server: grpc.aio.Server) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 1)])
        self.register(server)
        self.port = self.port or free_port()  # one that is still free when it comes back
        assert server.add_insecure_port(f"127.0.0.1:{self.port}") == self.port
        await server.start()
        self._server = server

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    async def restore(self) -> None:
        self.behaviour = Behaviour()
        if self._server is None:
            await self.start()


@dataclass
class VisionPeer(Peer, garment_service_pb2_grpc.GarmentServiceServicer):
    """Sees a navy shirt and grey trousers in every picture."""

    images: list[bytes] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    garment_count: int = 2

    def __post_init__(self) -> None:
        Peer.__init__(self)

    def register(self, server: grpc.aio.Server) -> None:
        garment_service_pb2_grpc.add_GarmentServiceServicer_to_server(self, server)

    async def AnalyzeImage(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.images.append(request.image.data)
        self.metadata.append(dict(context.invocation_metadata()))
        await self.behaviour.act(context)
        answer = garment_service_pb2.AnalyzeImageResponse()
        answer.analysis.person_count = 1
        answer.analysis.models.add(task="garments.parse", model="peer/1")
        garments = (("g0", garment_pb2.GARMENT_BUCKET_TOP, "shirt", "navy"),
                    ("g1", garment_pb2.GARMENT_BUCKET_BOTTOM, "trousers", "grey"))  # fmt: skip
        for garment_id, bucket, category, color in garments[: self.garment_count]:
            garment = answer.analysis.garments.add(garment_id=garment_id, bucket=bucket, category=category, score=0.9)
            garment.attributes.colors.add(name=color, hex="#202040", share=1.0)
            garment.mask.png = b"mask"
            garment.embedding.CopyFrom(model_pb2.Embedding(values=[1.0, 0.0], model="peer/1"))
        return answer


@dataclass
class RetrievalPeer(Peer, search_service_pb2_grpc.SearchServiceServicer):
    """Finds one product for every garment."""

    requests: list[Any] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)  # parts of a context that have no influence
    refuses_persons: bool = False  # a search with a context is refused
    rates: frozenset[str] = frozenset({"EUR"})  # currencies that money may be in

    def __post_init__(self) -> None:
        Peer.__init__(self)

    def register(self, server: grpc.aio.Server) -> None:
        search_service_pb2_grpc.add_SearchServiceServicer_to_server(self, server)

    async def restore(self) -> None:
        self.requests.clear()
        self.unused.clear()
        self.refuses_persons = False
        await super().restore()

    async def MatchGarments(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.requests.append(request)
        await self.behaviour.act(context)
        if self.refuses_persons and request.ranking.HasField("personal_context"):
            await Behaviour(error=InvalidInputError.of("ranking.personal_context.taste", "no")).act(context)
        person = request.ranking.personal_context
        for name, currency in (("budget", person.budget.currency_code), ("currency_code", person.currency_code)):
            if currency and currency not in self.rates:
                unknown = InvalidInputError.of(f"ranking.personal_context.{name}", "no rate", "CURRENCY_UNKNOWN")
                await Behaviour(error=unknown).act(context)
        answer = search_service_pb2.MatchGarmentsResponse(unused_context=self.unused)
        for garment in request.garments:
            match = match_pb2.ProductMatch(rank=1, score=0.8)
            match.product.name, match.product.title = f"products/{garment.category}-1", f"A {garment.category}"
            match.product.price.currency_code, match.product.price.units = "EUR", 40
            found = answer.garments.add(garment_id=garment.garment_id, matches=[match])
            found.tiers.closest.CopyFrom(match)
        return answer


@dataclass
class ProfilePeer(Peer, profile_service_pb2_grpc.ProfileServiceServicer):
    """Keeps sightings as the real one does: each counts once, undo takes one back."""

    sightings: dict[str, Any] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    webhooks: dict[str, tuple[str, str]] = field(default_factory=dict)
    erased: list[str] = field(default_factory=list)
    stuck: set[str] = field(default_factory=set)  # events whose undo fails, and no repetition helps
    lost: set[str] = field(default_factory=set)  # RPCs that find nobody: `GetProfile`
    asked: list[str] = field(default_factory=list)  # whose profile was asked for
    contexts: dict[str, personal_context_pb2.PersonalContext] = field(default_factory=dict)
    ranked_for: list[Any] = field(default_factory=list)  # what was asked before a search
    ranking: Behaviour = field(default_factory=Behaviour)  # how that is answered

    def __post_init__(self) -> None:
        Peer.__init__(self)

    def register(self, server: grpc.aio.Server) -> None:
        profile_service_pb2_grpc.add_ProfileServiceServicer_to_server(self, server)

    @property
    def counted(self) -> set[str]:
        """The events that move the taste now."""
        return set(self.sightings) - self.undone

    async def RecordSighting(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append(request.event_id)
        duplicate = request.event_id in self.sightings
        if self.behaviour.error is None and self.behaviour.code is None:
            self.sightings.setdefault(request.event_id, request)  # before the delay: the answer may come too late
        await self.behaviour.act(context)
        change = taste_pb2.TasteChange(event_id=request.event_id, capture=request.capture)
        change.deltas.add(axis="casual_formal", delta=4.0, towards="formal")
        return profile_service_pb2.RecordSightingResponse(change=change, duplicate=duplicate)

    async def restore(self) -> None:
        self.ranking = Behaviour()
        await super().restore()

    async def GetPersonalContext(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.ranked_for.append(request)
        await self.ranking.act(context)
        known = self.contexts.get(request.name.split("/")[1])
        return profile_service_pb2.GetPersonalContextResponse(context=known)

    async def UndoSighting(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self.behaviour.act(context)
        event_id = request.name.rsplit("/", 1)[-1]
        if event_id in self.stuck:
            await context.abort(grpc.StatusCode.UNKNOWN, "stuck")
        if event_id not in self.sightings:
            status = status_of(NotFoundError("no such sighting", "RESOURCE_NOT_FOUND"))
            await context.abort(
                grpc.StatusCode.NOT_FOUND, "", trailing_metadata=((DETAILS_KEY, status.SerializeToString()),)
            )
        duplicate = event_id in self.undone
        self.undone.add(event_id)
        return profile_service_pb2.UndoSightingResponse(duplicate=duplicate)

    async def GetProfile(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked.append(request.name.removesuffix("/profile"))
        if "GetProfile" in self.lost:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        await self.behaviour.act(context)
        profile = profile_pb2.Profile(name=request.name)
        url, secret = self.webhooks.get(request.name.split("/")[1], ("", ""))
        profile.summary_webhook.url, profile.summary_webhook.signing_secret = url, secret
        return profile_service_pb2.GetProfileResponse(profile=profile)

    async def EraseProfile(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self.behaviour.act(context)
        keys = [key for key, kept in self.sightings.items() if kept.parent == request.name]
        for key in keys:
            del self.sightings[key]
        self.erased.append(request.name)
        answer = profile_service_pb2.EraseProfileResponse()
        answer.items.add(kind="taste_events", count=len(keys), keys=keys)
        answer.erase_time.GetCurrentTime()
        return answer

    async def ExportProfile(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        await self.behaviour.act(context)
        yield profile_service_pb2.ExportProfileResponse(profile=profile_pb2.Profile(name=f"{request.name}/profile"))
        for key, kept in self.sightings.items():
            if kept.parent == request.name:
                yield profile_service_pb2.ExportProfileResponse(taste_event=taste_pb2.TasteEvent(event_id=key))


def no_consent() -> VitrineError:
    return FailedPreconditionError("no consent", "CONSENT_MISSING", {"consent": "learning"})


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
