"""A query becomes vectors and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qdrant_client import models

from mesh.errors import FailedPreconditionError, InvalidInputError, NotFoundError, UnavailableError
from retrieval_svc.catalog.encoder import ModelUse, Vector
from retrieval_svc.catalog.product import point_id
from retrieval_svc.catalog.vocabulary import Bucket
from retrieval_svc.index.generation import GenerationState, OpenGeneration
from retrieval_svc.search.plan import FloatVector
from retrieval_svc.search.query import VectorQuery


@dataclass(frozen=True, slots=True)
class Resolved:
    """A query as vectors and words."""

    vector: FloatVector | None
    uses: tuple[ModelUse, ...] = ()
    words: models.SparseVector | None = None
    understood: float = 1.0
    bucket: Bucket = Bucket.UNSPECIFIED
    excluded: tuple[str, ...] = ()


def from_vector(state: GenerationState, query: VectorQuery) -> Resolved:
    """Takes a vector of the index's own model and dimension.

    Raises:
        InvalidInputError: For any other.
    """
    vector = query.vector
    if vector.model != state.model:
        raise InvalidInputError.of(
            f"{query.field}.model", f"must be {state.model!r}, the model of the index, got {vector.model!r}",
            "EMBEDDING_MODEL", expected=state.model, actual=vector.model,
        )  # fmt: skip
    if len(vector.values) != state.dimension:
        raise InvalidInputError.of(
            f"{query.field}.values", f"must have {state.dimension} numbers, got {len(vector.values)}",
            "EMBEDDING_DIMENSION", expected=str(state.dimension), actual=str(len(vector.values)),
        )  # fmt: skip
    direction = unit(vector.values)
    if direction is None:
        raise InvalidInputError.of(f"{query.field}.values", "must not be zeros only: they point nowhere")
    return Resolved(direction, bucket=query.bucket)


async def from_product(generation: OpenGeneration, product_id: str) -> Resolved:
    """Takes the vector of a product.

    Raises:
        NotFoundError: When there is no such product.
        FailedPreconditionError: When it has no vector.
    """
    point = (await generation.index.retrieve([point_id(product_id)], fields=[], with_vector=True)).get(
        point_id(product_id)
    )
    if point is None:
        raise NotFoundError(f"no product products/{product_id} in the index", "RESOURCE_NOT_FOUND")
    if point.vector is None:
        text = f"products/{product_id} has no vector yet, or no picture"
        raise FailedPreconditionError(text, "STATE_CONFLICT")
    return Resolved(unit(point.vector), excluded=(product_id,))


def check_encoder(state: GenerationState, vector: Vector) -> None:
    """Makes sure that a picture's vector can be compared.

    Raises:
        UnavailableError: When the vision service has another model than the index.
    """
    if vector.model == state.model and len(vector.values) == state.dimension:
        return
    if vector.degraded:
        raise UnavailableError(
            "the vision service answers with a stand-in for the model of the index", "MODEL_UNAVAILABLE",
            {"model": state.model, "actual": vector.model}, retry_after_s=5.0,
        )  # fmt: skip
    raise UnavailableError(
        "the vision service has another model than the index, which is being rebuilt", "INDEX_NOT_READY",
        {"expected": state.model, "actual": vector.model}, retry_after_s=5.0,
    )  # fmt: skip


def unit(values: Sequence[float]) -> FloatVector | None:
    """Scales to length 1; None for zeros."""
    vector = np.asarray(values, dtype=np.float64)
    norm = float(np.linalg.norm(vector))
    return vector / norm if norm > 1e-9 else None
