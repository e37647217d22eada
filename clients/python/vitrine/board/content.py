"""What a board shows, fetched from the mesh."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from vitrine.board.canvas import Picture
from vitrine.ingest.v1 import capture_pb2, frame_pb2
from vitrine.profile.v1 import profile_service_pb2, taste_pb2
from vitrine.retrieval.v1 import catalog_service_pb2, match_pb2
from vitrine.sdk import RpcFailure, Vitrine

SHOWN_MATCHES = 4
_HISTORY = 100  # changes of the taste to look through for one that counted a garment


@dataclass(frozen=True, slots=True)
class BoardContent:
    """What came out of a picture, with the pictures that belong to it.

    Attributes:
        capture: A capture of kind OUTFIT that has SUCCEEDED, or a keyframe of a stream told as one.
        photo_bgr: The picture that the mesh gave back: cropped, scaled, faces blurred. uint8 HxWx3.
        product_images: Pictures by `products/{product}`, uint8 HxWx3, BGR; a product without one is missing.
        tastes: The user's ways of dressing, the overall one first; None when the profile did not tell.
        earlier: What was done to the taste by sightings in which garments of this one had counted, by event id.
        since: The axes to compare with; None stands for those right before this picture.
    """

    capture: capture_pb2.Capture
    photo_bgr: Picture
    product_images: Mapping[str, Picture] = field(default_factory=dict)
    tastes: Sequence[taste_pb2.Taste] | None = None
    earlier: Mapping[str, taste_pb2.TasteChange] = field(default_factory=dict)
    since: taste_pb2.Radar | None = None

    def counted_as(self, garment: taste_pb2.GarmentAttribution) -> taste_pb2.GarmentAttribution | None:
        """Finds what a garment did where it counted, for one that is seen again; None when that is not known."""
        change = self.earlier.get(garment.repeat_of_event_id)
        alike = [
            each
            for each in (change.attributions if change is not None else ())
            if (each.bucket, each.category) == (garment.bucket, garment.category)
        ]
        return next((each for each in alike if each.color_name == garment.color_name), next(iter(alike), None))


def shown_matches(found: match_pb2.GarmentMatches) -> list[match_pb2.ProductMatch]:
    """Gives the matches of a garment that a board has room for, best first."""
    return list(found.matches[:SHOWN_MATCHES])


async def gather(mesh: Vitrine, capture: capture_pb2.Capture, *, since: taste_pb2.Radar | None = None) -> BoardContent:
    """Fetches what belongs to a capture. The photo that was sent is not asked for: only what the mesh made of it.

    Args:
        mesh: The client of the capture's owner.
        capture: A capture that has SUCCEEDED.
        since: See `BoardContent`.

    Raises:
        RpcFailure: The kept picture cannot be read. Products without a picture and a profile that is away are told on
            the board instead.
        ValueError: The kept picture cannot be decoded.
    """
    return await _content(mesh, capture, await mesh.capture_image(capture.name), since)


async def gather_keyframe(
    mesh: Vitrine, stream: str, result: frame_pb2.StreamResult, *, since: taste_pb2.Radar | None = None
) -> BoardContent:
    """Fetches what belongs to a keyframe of a stream whose settings ask for masks and blurred pictures.

    Args:
        mesh: The client of the stream's owner.
        stream: ``users/{user}/streams/{stream}``.
        result: The keyframe's result.
        since: See `BoardContent`.

    Raises:
        ValueError: The result has no picture.
    """
    return await _content(mesh, as_capture(stream, result), result.blurred_image.data, since)


def as_capture(stream: str, result: frame_pb2.StreamResult) -> capture_pb2.Capture:
    """Tells the result of a keyframe in the form of a capture.

    Args:
        stream: ``users/{user}/streams/{stream}``.
        result: The keyframe's result.
    """
    told = capture_pb2.Capture(
        name=stream,
        state=capture_pb2.Capture.STATE_SUCCEEDED,
        blurred_face_count=result.face_count,
        models=result.models,
        degraded=result.degraded,
        degraded_parts=result.degraded_parts,
        capture_time=result.capture_time,
        start_time=result.capture_time,
        outfit=capture_pb2.OutfitResult(garments=result.garments, matches=result.matches),
    )
    told.end_time.FromDatetime(result.capture_time.ToDatetime() + result.processing_time.ToTimedelta())
    if result.HasField("taste_change"):
        told.outfit.taste_change.CopyFrom(result.taste_change)
    return told


def decode(data: bytes) -> Picture | None:
    """Decodes a picture to uint8 HxWx3, BGR; None when it is none."""
    image_bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    return None if image_bgr is None else np.asarray(image_bgr, np.uint8)


async def _content(
    mesh: Vitrine, capture: capture_pb2.Capture, photo: bytes, since: taste_pb2.Radar | None
) -> BoardContent:
    photo_bgr = decode(photo)
    if photo_bgr is None:
        raise ValueError(f"the picture of {capture.name} cannot be decoded")
    shown = {match.product.name: match for found in capture.outfit.matches for match in shown_matches(found)}
    images = await product_images(mesh, list(shown.values()))
    repeats = {each.repeat_of_event_id for each in capture.outfit.taste_change.attributions} - {""}
    return BoardContent(capture, photo_bgr, images, await _tastes(mesh), await _earlier(mesh, repeats), since)


async def product_images(mesh: Vitrine, matches: Sequence[match_pb2.ProductMatch]) -> dict[str, Picture]:
    """Fetches the first picture of each product; one whose picture is away or broken is left out.

    Args:
        mesh: The client.
        matches: The products.

    Returns:
        uint8 HxWx3, BGR, by `products/{product}`.
    """
    pictures = await asyncio.gather(*(_product_image(mesh, match) for match in matches))
    named = zip(matches, pictures, strict=True)
    return {match.product.name: image for match, image in named if image is not None}


async def _product_image(mesh: Vitrine, match: match_pb2.ProductMatch) -> Picture | None:
    name = next((image.name for image in match.product.images if image.name), "")
    if not name:
        return None
    try:
        answer = await mesh.catalog.GetProductImage(catalog_service_pb2.GetProductImageRequest(name=name))
    except RpcFailure:
        return None
    return decode(answer.image.data)


async def _tastes(mesh: Vitrine) -> list[taste_pb2.Taste] | None:
    try:
        return await mesh.tastes()
    except RpcFailure:
        return None


async def _earlier(mesh: Vitrine, event_ids: Iterable[str]) -> dict[str, taste_pb2.TasteChange]:
    wanted = set(event_ids)
    if not wanted:
        return {}
    request = profile_service_pb2.ListRadarHistoryRequest(parent=mesh.user, page_size=_HISTORY)
    try:
        answer = await mesh.profiles.ListRadarHistory(request)
    except RpcFailure:
        return {}
    return {change.event_id: change for change in answer.changes if change.event_id in wanted and not change.undo}
