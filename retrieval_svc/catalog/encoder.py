"""What the catalogue and the search ask of the vision service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ModelUse:
    """One model that took part; fields as in `vitrine.type.v1.ModelUse`."""

    task: str
    model: str
    degraded: bool = False
    degraded_reason: str = ""


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector in the space of a model.

    Attributes:
        values: float32 values, L2-normalised.
        model: Id of the model.
        degraded: Whether a weaker stand-in made it, because the model that the vision service should have is away.
        pattern: The pattern that was seen in the picture and is sure enough to be found by; empty when none is, or when
            nobody asked.
    """

    values: tuple[float, ...]
    model: str
    degraded: bool = False
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class RefusedPicture:
    """A picture of which no vector can be made, ever.

    Attributes:
        reason: Name of an `ErrorReason`.
        description: Why.
        metadata: Facts for machines, such as `limit` and `actual`.
    """

    reason: str
    description: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedPicture:
    """A picture at which the vision service fails, twice, while it answers for others: its fault, not the picture's.

    Attributes:
        reason: Name of an `ErrorReason`.
        description: What it said.
    """

    reason: str
    description: str


Embedded = Vector | RefusedPicture | FailedPicture


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """A picture or words of a search, as a vector.

    Attributes:
        vector: The vector.
        understood: For words: share of the meaningful ones that the model understood, 0-1; for a picture 1.
        models: The models that took part.
    """

    vector: Vector
    understood: float
    models: tuple[ModelUse, ...]


class Encoder(Protocol):
    """Makes vectors.

    Every method raises `UnavailableError` when the vision service does not answer, and the error that it answered with
    when it refuses.
    """

    async def embed_products(self, pictures: Sequence[bytes], *, describe: bool = False) -> list[Embedded]:
        """Makes vectors of product pictures, in their order; a picture that fails keeps no other one back.

        Args:
            pictures: Encoded pictures, at most 32, 12 MiB together.
            describe: Whether to look for patterns too.
        """
        ...

    async def embed_picture(self, picture: bytes) -> EncodedQuery:
        """Makes the vector of a picture to search with.

        Args:
            picture: An encoded picture.
        """
        ...

    async def embed_text(self, text: str) -> EncodedQuery:
        """Makes the vector of words.

        Args:
            text: At most 500 characters.
        """
        ...
