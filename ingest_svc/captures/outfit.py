"""What goes into the understanding of a picture, and what comes out.

What the other services answer is passed on as it is, in the messages of the contract: ingest adds nothing to it, so
that copying it into types of our own would only make two truths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vitrine.profile.v1 import taste_pb2
from vitrine.retrieval.v1 import match_pb2
from vitrine.type.v1 import garment_pb2, model_pb2
from vitrine.vision.v1 import quality_pb2

from mesh import errors

FaceBox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class OutfitInput:
    """A picture to be understood.

    Attributes:
        user: The user's id (the `sub` of their token).
        event_id: Id of the capture or stream result. The taste event gets the same one, so that it is recorded once.
        source: Resource name of what it was seen in: ``users/{user}/captures/{id}`` or ``users/{user}/streams/{id}``.
        image_jpeg: The picture as JPEG, its faces blurred already. Nobody here blurs.
        observed_at: When it was seen, timezone-aware.
        max_matches: Products to keep per garment, 1-30; 0 does not look for products at all.
        record_taste: Whether it may move the taste.
        rank_personally: Whether products may be ranked by what is known about the user.
        face_boxes: Where faces were blurred: `(x0, y0, x1, y1)`, shares of width and height. It helps vision to
            find the people whose faces it does not see.
    """

    user: str
    event_id: str
    source: str
    image_jpeg: bytes
    observed_at: datetime
    max_matches: int = 30
    record_taste: bool = True
    rank_personally: bool = True
    face_boxes: Sequence[FaceBox] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """What vision saw.

    Attributes:
        garments: Garments of the main person, with boxes, masks, attributes and embeddings.
        outfit_embedding: Vector of the whole outfit; None when there is none.
        person_count: How many persons were seen.
        quality: What makes the answer weaker.
        models: Models that took part.
    """

    garments: Sequence[garment_pb2.Garment]
    outfit_embedding: model_pb2.Embedding | None
    person_count: int
    quality: Sequence[quality_pb2.QualityFinding] = ()
    models: Sequence[model_pb2.ModelUse] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """What retrieval found.

    Attributes:
        garments: One entry per garment of the question, in its order.
        models: Models that took part.
        unused_context: Parts of the personal context that had no influence.
    """

    garments: Sequence[match_pb2.GarmentMatches] = ()
    models: Sequence[model_pb2.ModelUse] = ()
    unused_context: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class OutfitOutcome:
    """Everything that came out.

    Attributes:
        analysis: What vision saw.
        matches: What retrieval found, one entry per garment with a vector; empty where it did not answer.
        taste_change: How the taste moved; None where nothing was recorded.
        models: All models that took part.
        degraded_parts: What is missing or weak: ``matches``, ``taste``, ``personal``, ``models``.
        failures: Why parts are missing, in the order in which they failed.
        taste_pending: Whether the profile is told later.
        used_context: Parts of the personal context that the matches were ranked with.
        unused_context: Parts of it that had no influence.
    """

    analysis: Analysis
    matches: Sequence[match_pb2.GarmentMatches] = ()
    taste_change: taste_pb2.TasteChange | None = None
    models: Sequence[model_pb2.ModelUse] = ()
    degraded_parts: tuple[str, ...] = ()
    failures: tuple[errors.VitrineError, ...] = ()
    taste_pending: bool = False
    used_context: Sequence[str] = ()
    unused_context: Sequence[str] = ()

    @property
    def degraded(self) -> bool:
        """Whether anything is missing or weak."""
        return bool(self.degraded_parts)
