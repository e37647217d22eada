"""A product on its way into the catalogue: as it came in, and as it can be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from retrieval_svc.catalog.encoder import Vector
from retrieval_svc.catalog.pictures import PreparedPicture
from retrieval_svc.catalog.product import Product
from retrieval_svc.catalog.rows import RowProblem

MAX_PICTURES = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that came in.

    Attributes:
        product: What was said about it; its pictures have links and texts only.
        images: Encoded pictures; the n-th belongs to the n-th picture of the product.
    """

    product: Product
    images: Sequence[bytes] = ()


@dataclass(slots=True)
class Prepared:
    """A product that can be stored.

    Attributes:
        product: With our pictures.
        pictures: Our copies that may not be in the object store yet.
        known: By image id, the files that came in and of which the product has our copy already.
        vector: The vector of its first picture, when it was made now.
        vector_missing: Whether its first picture has no vector yet and none was made now.
        described: Whether vision was asked for the pattern when `vector` was made.
        problems: Why it cannot be stored after all.
    """

    product: Product
    pictures: list[PreparedPicture] = field(default_factory=list)
    known: dict[str, bytes] = field(default_factory=dict)
    vector: Vector | None = None
    vector_missing: bool = False
    described: bool = False
    problems: list[RowProblem] = field(default_factory=list)
