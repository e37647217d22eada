"""From a `RecordSightingRequest` to what the core knows, with every number checked."""

from __future__ import annotations

import datetime as dt
import math
import re

import numpy as np
from vitrine.profile.v1 import profile_service_pb2
from vitrine.type.v1 import color_pb2, garment_pb2, model_pb2

from mesh.errors import FieldViolation, InvalidInputError
from profile_svc.taste.evidence import SeenColor, SeenEmbedding, SeenGarment, Sighting, StyleScores

BUCKETS: dict[garment_pb2.GarmentBucket.ValueType, str] = {
    garment_pb2.GARMENT_BUCKET_UNSPECIFIED: "",
    garment_pb2.GARMENT_BUCKET_TOP: "top",
    garment_pb2.GARMENT_BUCKET_BOTTOM: "bottom",
    garment_pb2.GARMENT_BUCKET_OUTERWEAR: "outerwear",
    garment_pb2.GARMENT_BUCKET_DRESS: "dress",
    garment_pb2.GARMENT_BUCKET_SHOES: "shoes",
    garment_pb2.GARMENT_BUCKET_ACCESSORIES: "accessories",
}
SILHOUETTES: dict[garment_pb2.Silhouette.ValueType, str] = {
    garment_pb2.SILHOUETTE_UNSPECIFIED: "",
    garment_pb2.SILHOUETTE_SLIM: "slim",
    garment_pb2.SILHOUETTE_REGULAR: "regular",
    garment_pb2.SILHOUETTE_OVERSIZED: "oversized",
}
_HEX = re.compile(r"(#[0-9a-f]{6})?")
_MAX_COLORS = 8
_MAX_WORD_CHARS = 60
_MAX_MODEL_CHARS = 200
_LENGTH_TOLERANCE = 0.05  # a unit vector that went through float16 is off by less than 0.01


def observed(request: profile_service_pb2.RecordSightingRequest) -> dt.datetime | None:
    """Returns when something was seen, or None where that is not said.

    Args:
        request: The message.

    Raises:
        InvalidInputError: For a time outside the years 1 to 9999.
    """
    if not request.HasField("observe_time"):
        return None
    try:
        return request.observe_time.ToDatetime(dt.UTC)
    except (ValueError, OverflowError) as error:
        seconds = request.observe_time.seconds
        raise InvalidInputError.of("observe_time", f"must lie in the years 1 to 9999, got {seconds} s") from error


class SightingReader:
    """Reads an outfit and collects every broken rule on the way."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    def read(self, outfit: profile_service_pb2.OutfitSighting) -> Sighting:
        """Converts an outfit.

        Args:
            outfit: The message.

        Raises:
            InvalidInputError: With each field at fault.
        """
        garments = tuple(
            self._garment(garment, f"outfit.garments[{index}]") for index, garment in enumerate(outfit.garments)
        )
        ids = [garment.garment_id for garment in garments]
        self._check(len(set(ids)) == len(ids), "outfit.garments", "garment ids must differ")
        picture = (
            self._embedding(outfit.global_embedding, "outfit.global_embedding")
            if outfit.HasField("global_embedding")
            else None
        )
        if self._violations:
            first = self._violations[0]
            raise InvalidInputError(f"{first.field}: {first.description}", "INVALID_FIELD", {}, tuple(self._violations))
        return Sighting(garments, picture)

    def _garment(self, garment: garment_pb2.Garment, path: str) -> SeenGarment:
        looks = garment.attributes
        inner = f"{path}.attributes"
        self._check(bool(garment.garment_id), f"{path}.garment_id", "must not be empty")
        self._check(garment.bucket in BUCKETS, f"{path}.bucket", f"must be known, got {garment.bucket}")
        self._check(looks.silhouette in SILHOUETTES, f"{inner}.silhouette", f"must be known, got {looks.silhouette}")
        self._check(len(looks.colors) <= _MAX_COLORS, f"{inner}.colors", f"must be at most {_MAX_COLORS}")
        return SeenGarment(
            garment_id=self._word(garment.garment_id, f"{path}.garment_id"),
            bucket=BUCKETS.get(garment.bucket, ""),
            category=self._word(garment.category, f"{path}.category"),
            score=self._number(garment.score, f"{path}.score", 0, 1),
            colors=tuple(self._color(color, f"{inner}.colors[{i}]") for i, color in enumerate(looks.colors)),
            pattern=self._word(looks.pattern, f"{inner}.pattern"),
            pattern_score=self._number(looks.pattern_score, f"{inner}.pattern_score", 0, 1),
            silhouette=SILHOUETTES.get(looks.silhouette, ""),
            style=self._style(looks.style, f"{inner}.style") if looks.HasField("style") else None,
            confidence={
                self._word(name, f"{inner}.confidence"): self._number(value, f"{inner}.confidence[{name!r}]", 0, 1)
                for name, value in sorted(looks.confidence.items())
            },
            embedding=self._embedding(garment.embedding, f"{path}.embedding")
            if garment.HasField("embedding")
            else None,
        )

    def _color(self, color: color_pb2.Color, path: str) -> SeenColor:
        self._check(_HEX.fullmatch(color.hex) is not None, f"{path}.hex", "must be `#rrggbb` in lower case, or empty")
        lab = (
            self._number(color.lab.l, f"{path}.lab.l", 0, 100),
            self._number(color.lab.a, f"{path}.lab.a", -200, 200),
            self._number(color.lab.b, f"{path}.lab.b", -200, 200),
        )
        share = self._number(color.share, f"{path}.share", 0, 1)
        return SeenColor(self._word(color.name, f"{path}.name"), color.hex, lab, share)

    def _style(self, style: garment_pb2.StyleScores, path: str) -> StyleScores:
        return StyleScores(
            formality=self._number(style.formality, f"{path}.formality", 0, 100),
            structure=self._number(style.structure, f"{path}.structure", 0, 100),
            minimalism=self._number(style.minimalism, f"{path}.minimalism", 0, 100),
        )

    def _embedding(self, embedding: model_pb2.Embedding, path: str) -> SeenEmbedding:
        values = np.asarray(embedding.values, dtype=np.float32)
        length = math.sqrt(math.fsum((values.astype(np.float64) ** 2).tolist()))
        self._check(
            abs(length - 1.0) <= _LENGTH_TOLERANCE, f"{path}.values", f"must have length 1, got one of {length:.3g}"
        )
        self._check(
            0 < len(embedding.model) <= _MAX_MODEL_CHARS, f"{path}.model", "must name the model, at most 200 characters"
        )
        return SeenEmbedding(embedding.model, values)

    def _number(self, value: float, path: str, low: float, high: float) -> float:
        good = low <= value <= high  # false for NaN
        self._check(good, path, f"must be {low} to {high}, got {value:g}")
        return value + 0.0 if good else low  # + 0.0 turns -0.0 into 0.0

    def _word(self, value: str, path: str) -> str:
        self._check(len(value) <= _MAX_WORD_CHARS, path, f"must be at most {_MAX_WORD_CHARS} characters")
        self._check("\x00" not in value, path, "must not hold a NUL character")
        return value

    def _check(self, good: bool, path: str, description: str) -> None:
        if not good:
            self._violations.append(FieldViolation(path, description))
