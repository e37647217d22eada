"""What is kept of a sighting, and its one canonical form.

The canonical form is JSON with sorted keys. Its SHA-256 tells whether an event id was used for other content, and
reading it back gives the very same numbers: scores are float32 values that Python prints exactly, vectors are
little-endian float32 in base64.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SeenColor:
    """One colour of a garment.

    Attributes:
        name: Common English name, lower case.
        hex: sRGB as ``#rrggbb``; may be empty.
        lab: CIE L*a*b* (D65), L 0-100.
        share: Share of the garment's area, 0-1.
    """

    name: str
    hex: str
    lab: tuple[float, float, float]
    share: float


@dataclass(frozen=True, slots=True)
class StyleScores:
    """The three continuous attributes of style, each 0-100.

    Attributes:
        formality: 0 casual to 100 formal.
        structure: 0 soft to 100 tailored.
        minimalism: 0 rich to 100 plain.
    """

    formality: float
    structure: float
    minimalism: float


@dataclass(frozen=True, slots=True)
class SeenEmbedding:
    """A vector in the space of one model.

    Attributes:
        model: Id of the model.
        values: float32, shape (dimension,), Euclidean length about 1.
    """

    model: str
    values: Vector

    def __eq__(self, other: object) -> bool:
        """Compares bit for bit."""
        if not isinstance(other, SeenEmbedding):
            return NotImplemented
        return self.model == other.model and self.values.tobytes() == other.values.tobytes()

    def __hash__(self) -> int:
        """Agrees with equality."""
        return hash((self.model, self.values.tobytes()))


@dataclass(frozen=True, slots=True)
class SeenGarment:
    """What one garment looked like; no picture, no place in a picture.

    Attributes:
        garment_id: Id within the sighting.
        bucket: ``top``, ``bottom``, ``outerwear``, ``dress``, ``shoes``, ``accessories``; empty when not known.
        category: Finest known category, lower case; may be empty.
        score: How sure the detection is, 0-1.
        colors: Dominant colours, largest share first.
        pattern: ``plain``, ``patterned`` or a finer word; empty when not known.
        pattern_score: 0-1.
        silhouette: ``slim``, ``regular``, ``oversized``; empty when not known.
        style: The three scores; None when not known.
        confidence: How sure each attribute is, 0-1, by name.
        embedding: Its vector; None when none was given.
    """

    garment_id: str
    bucket: str = ""
    category: str = ""
    score: float = 1.0
    colors: tuple[SeenColor, ...] = ()
    pattern: str = ""
    pattern_score: float = 0.0
    silhouette: str = ""
    style: StyleScores | None = None
    confidence: Mapping[str, float] = field(default_factory=dict)
    embedding: SeenEmbedding | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """An outfit that was seen.

    Attributes:
        garments: Its garments, at least one.
        global_embedding: Vector of the whole picture; used when no garment has one.
    """

    garments: tuple[SeenGarment, ...]
    global_embedding: SeenEmbedding | None = None


def canonical(sighting: Sighting) -> str:
    """Returns the canonical form of a sighting, from which `parse` makes an equal one."""
    return json.dumps(asdict(sighting, dict_factory=_plain), sort_keys=True, separators=(",", ":"), allow_nan=False)


def fingerprint(sighting: Sighting, source: str) -> str:
    """Returns the SHA-256 (hex) by which a repeated event is told from a reused id.

    Args:
        sighting: What was seen.
        source: Resource name of the capture or stream.
    """
    return hashlib.sha256(f"{source}\n{canonical(sighting)}".encode()).hexdigest()


def parse(text: str) -> Sighting:
    """Reads what `canonical` wrote."""
    data = json.loads(text)
    return Sighting(
        garments=tuple(_garment(item) for item in data["garments"]),
        global_embedding=_embedding(data["global_embedding"]),
    )


def encode_vector(values: Vector) -> str:
    """Returns the values as base64 of little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def decode_vector(text: str) -> Vector:
    """Reads what `encode_vector` wrote; shape (dimension,)."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float32)


def _plain(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: encode_vector(value) if isinstance(value, np.ndarray) else value for key, value in items}


def _garment(data: dict[str, Any]) -> SeenGarment:
    known = {item.name for item in fields(SeenGarment)}
    values = {key: value for key, value in data.items() if key in known}
    values["colors"] = tuple(
        SeenColor(color["name"], color["hex"], tuple(color["lab"]), color["share"]) for color in data["colors"]
    )
    values["style"] = None if data["style"] is None else StyleScores(**data["style"])
    values["embedding"] = _embedding(data["embedding"])
    return SeenGarment(**values)


def _embedding(data: dict[str, str] | None) -> SeenEmbedding | None:
    return None if data is None else SeenEmbedding(data["model"], decode_vector(data["values"]))
