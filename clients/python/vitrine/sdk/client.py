"""Calls to a mesh, typed."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from types import TracebackType
from typing import Self

import grpc
import grpc.aio
from vitrine.ingest.v1 import capture_pb2, capture_service_pb2, capture_service_pb2_grpc, privacy_service_pb2_grpc
from vitrine.ingest.v1.stream_service_pb2_grpc import StreamServiceStub
from vitrine.profile.v1 import profile_pb2, profile_service_pb2, profile_service_pb2_grpc, taste_pb2
from vitrine.retrieval.v1 import catalog_service_pb2_grpc, search_service_pb2, search_service_pb2_grpc
from vitrine.sdk.following import following
from vitrine.sdk.search import SearchOptions
from vitrine.sdk.transport import interceptors, with_tokens
from vitrine.type.v1 import image_pb2, personal_context_pb2
from vitrine.vision.v1 import garment_service_pb2_grpc, model_service_pb2_grpc

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_FINAL = {
    capture_pb2.Capture.STATE_SUCCEEDED,
    capture_pb2.Capture.STATE_FAILED,
    capture_pb2.Capture.STATE_CANCELLED,
}


class Vitrine:
    """A connection to a mesh, for one user.

    The stubs of the contract are its attributes; every unary call has a deadline and raises `RpcFailure`.

    Example:
        ```python
        async with Vitrine("localhost:8080", user="ada", token=token) as mesh:
            capture = await mesh.capture(Path("me.jpg").read_bytes())
            async for capture in mesh.follow(capture.name):
                print(capture.stage, capture.progress_percent)
        ```

    Attributes:
        user: Resource name of the user, ``users/{user}``.
        captures: CaptureService.
        streams: StreamService; `FrameStream` is the comfortable way.
        privacy: PrivacyService.
        garments: GarmentService.
        models: ModelService.
        search: SearchService.
        catalog: CatalogService.
        profiles: ProfileService.
    """

    def __init__(
        self, target: str, *, user: str, token: str, tls: bool = False, default_deadline_s: float = 30.0
    ) -> None:
        """Makes the channel; nothing is sent before the first call.

        Args:
            target: ``host:port`` of the edge.
            user: The subject (`sub`) of the token.
            token: A JWT.
            tls: Whether the edge speaks TLS.
            default_deadline_s: Time limit of a unary call, in seconds.
        """
        self.user = f"users/{user}"
        options = [
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 2_000),
        ]
        chain = interceptors(token, default_deadline_s)
        if tls:
            self.channel = grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options, None, chain)
        else:
            self.channel = grpc.aio.insecure_channel(target, options, None, chain)
        self.captures = capture_service_pb2_grpc.CaptureServiceStub(self.channel)
        self.streams = with_tokens(StreamServiceStub(self.channel), token)
        self.privacy = privacy_service_pb2_grpc.PrivacyServiceStub(self.channel)
        self.garments = with_tokens(garment_service_pb2_grpc.GarmentServiceStub(self.channel), token)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.search = search_service_pb2_grpc.SearchServiceStub(self.channel)
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(self.channel)
        self.profiles = profile_service_pb2_grpc.ProfileServiceStub(self.channel)

    async def __aenter__(self) -> Self:
        """Returns itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the channel."""
        await self.channel.close()

    async def capture(
        self, image: bytes, *, cropped: bool = False, skip_taste: bool = False, impersonal: bool = False
    ) -> capture_pb2.Capture:
        """Sends a photo of an outfit. It is safe to call again: one call makes one capture, also when it is retried.

        Args:
            image: A JPEG, PNG or WebP picture.
            cropped: Take the whole picture and not the reticle in its middle.
            skip_taste: Leave the taste profile as it is.
            impersonal: Rank products as for anybody.

        Returns:
            The capture, queued.

        Raises:
            RpcFailure: The picture or the call was refused.
        """
        request = capture_service_pb2.CreateCaptureRequest(
            parent=self.user,
            kind=capture_pb2.CAPTURE_KIND_OUTFIT,
            image=image_pb2.Image(data=image),
            request_id=str(uuid.uuid4()),
            outfit_options=capture_pb2.OutfitOptions(skip_taste=skip_taste, skip_personal_ranking=impersonal),
        )
        if cropped:
            request.cropping.already_cropped = True
        return (await self.captures.CreateCapture(request)).capture

    async def follow(self, name: str) -> AsyncIterator[capture_pb2.Capture]:
        """Follows a capture to its end; a broken connection is taken up again.

        Args:
            name: ``users/{user}/captures/{capture}``.

        Yields:
            The capture at once and after every change; the last one is final.

        Raises:
            RpcFailure: The capture is not there, or the mesh stays away.
        """
        request = capture_service_pb2.WatchCaptureRequest(name=name)
        async with aclosing(following(lambda: self.captures.WatchCapture(request))) as messages:
            async for message in messages:
                if message.WhichOneof("event") == "change":
                    yield message.change.capture
                    if message.change.capture.state in _FINAL:
                        return

    async def capture_image(self, name: str) -> bytes:
        """Reads the picture that the mesh kept of a capture: cropped, scaled, its faces blurred.

        Args:
            name: ``users/{user}/captures/{capture}``.

        Returns:
            A JPEG.
        """
        request = capture_service_pb2.GetCaptureImageRequest(name=name)
        return (await self.captures.GetCaptureImage(request)).image_data

    async def search_text(
        self, text: str, options: SearchOptions | None = None, *, page_size: int = 10, page_token: str = ""
    ) -> search_service_pb2.SearchProductsResponse:
        """Finds products by words.

        Args:
            text: What to look for, for example ``navy striped shirt``.
            options: Which products count, and how they are ranked.
            page_size: How many products at most.
            page_token: The `next_page_token` of the page before, for the same text and options.
        """
        request = search_service_pb2.SearchProductsRequest(text=text)
        return await self._search(request, options, page_size, page_token)

    async def search_image(
        self, image: bytes, options: SearchOptions | None = None, *, page_size: int = 10, page_token: str = ""
    ) -> search_service_pb2.SearchProductsResponse:
        """Finds products like the main garment of a picture.

        Args:
            image: A JPEG, PNG or WebP picture.
            options: As for `search_text`, like all that follows.
            page_size: How many products at most.
            page_token: Of the page before.
        """
        request = search_service_pb2.SearchProductsRequest(image=image_pb2.Image(data=image))
        return await self._search(request, options, page_size, page_token)

    async def _search(
        self, request: search_service_pb2.SearchProductsRequest, options: SearchOptions | None, size: int, token: str
    ) -> search_service_pb2.SearchProductsResponse:
        request.page_size, request.page_token = size, token
        request.ranking.CopyFrom((options or SearchOptions()).ranking())
        return await self.search.SearchProducts(request)

    async def personal_context(self) -> personal_context_pb2.PersonalContext:
        """Reads what a ranking may know about the user, the taste in the space of the index; for `SearchOptions`."""
        model = (await self.search.GetIndex(search_service_pb2.GetIndexRequest())).model
        request = profile_service_pb2.GetPersonalContextRequest(name=f"{self.user}/personalContext")
        request.embedding_model = model
        return (await self.profiles.GetPersonalContext(request)).context

    async def undo(self, name: str) -> profile_service_pb2.UndoSightingResponse:
        """Takes back what an outfit did to the taste; a second time changes nothing.

        Args:
            name: Name or id of a sighting, or of a capture, whose sighting has the same id.
        """
        request = profile_service_pb2.UndoSightingRequest(name=f"{self.user}/sightings/{name.rpartition('/')[2]}")
        return await self.profiles.UndoSighting(request)

    async def profile(self) -> profile_pb2.Profile:
        """Reads the user's profile, with the taste radar."""
        request = profile_service_pb2.GetProfileRequest(name=f"{self.user}/profile")
        return (await self.profiles.GetProfile(request)).profile

    async def tastes(self) -> list[taste_pb2.Taste]:
        """Reads the user's ways of dressing: the overall one first; none before the first sighting."""
        request = profile_service_pb2.ListTastesRequest(parent=self.user)
        return list((await self.profiles.ListTastes(request)).tastes)

    async def watch_profile(self) -> AsyncIterator[profile_service_pb2.WatchProfileResponse]:
        """Follows the user's profile; a broken connection is taken up where it broke.

        Yields:
            A snapshot, then every change; heartbeats in between.

        Raises:
            RpcFailure: The mesh refused, or stays away.
        """
        request = profile_service_pb2.WatchProfileRequest(name=f"{self.user}/profile")
        async with aclosing(following(lambda: self.profiles.WatchProfile(request))) as messages:
            async for message in messages:
                request.after_sequence = message.sequence
                yield message
                if message.WhichOneof("event") == "erased":
                    return
