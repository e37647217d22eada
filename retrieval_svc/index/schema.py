"""What a product looks like in the index: its vectors, its payload, and filters over that payload."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qdrant_client import models

from retrieval_svc.catalog.filters import Exclusions, ProductFilter
from retrieval_svc.catalog.money import RateTable
from retrieval_svc.catalog.patterns import effective_pattern
from retrieval_svc.catalog.product import Product, from_document, main_color, point_id, to_document
from retrieval_svc.catalog.vocabulary import AVAILABILITY_SCORES, VectorState, key

# A change here makes every existing index stale; it is rebuilt at the next start.
SCHEMA_VERSION = 3
MAIN_COLOR_SINCE = 3
IMAGE_VECTOR = "image"
WORDS_VECTOR = "words"
DEFAULT_BRAND_SCORE = 0.5
# Euros that stand for a price without a rate: above all others, since amounts are below 1e9 and rates not below 1e-8.
NO_PRICE = 1e18

# What filters and formulas read. A formula variable without an index costs a read of the whole payload per candidate.
PAYLOAD_INDEXES: dict[str, models.PayloadSchemaType] = {
    "price_eur": models.PayloadSchemaType.FLOAT,
    "brand_score": models.PayloadSchemaType.FLOAT,
    "availability_score": models.PayloadSchemaType.FLOAT,
    "brand": models.PayloadSchemaType.KEYWORD,
    "category": models.PayloadSchemaType.KEYWORD,
    "bucket": models.PayloadSchemaType.INTEGER,
    "gender": models.PayloadSchemaType.INTEGER,
    "colors": models.PayloadSchemaType.KEYWORD,
    "main_color": models.PayloadSchemaType.KEYWORD,
    "sizes": models.PayloadSchemaType.KEYWORD,
    "tags": models.PayloadSchemaType.KEYWORD,
    "pattern": models.PayloadSchemaType.KEYWORD,
    "materials": models.PayloadSchemaType.KEYWORD,
    "availability": models.PayloadSchemaType.INTEGER,
    "has_vector": models.PayloadSchemaType.INTEGER,
}


@dataclass(frozen=True, slots=True)
class IndexedProduct:
    """A product on its way into the index.

    Attributes:
        product: The product.
        vector: float32 values of the index's model, L2-normalised, or None when there is no vector.
        brand_score: Standing of its brand, 0-1.
    """

    product: Product
    vector: Sequence[float] | None
    brand_score: float = DEFAULT_BRAND_SCORE


def payload_of(item: IndexedProduct, rates: RateTable) -> dict[str, Any]:
    """Returns the payload of a product's point: filter and ranking fields, and the whole product as `doc`.

    Args:
        item: The product.
        rates: The rates of this generation of the index; a price without a rate becomes infinite money: it is never
            within a budget and passes no price filter.
    """
    product = item.product
    known = rates.knows(product.price.currency)
    return {
        "doc": json.dumps(to_document(product), separators=(",", ":"), ensure_ascii=False),
        "price_eur": float(rates.to_euro(product.price)) if known else NO_PRICE,
        "brand": key(product.brand),
        "brand_score": item.brand_score,
        "category": key(product.category),
        "bucket": int(product.bucket),
        "gender": int(product.gender),
        "colors": [key(color.name) for color in product.colors],
        "main_color": main_color(product),
        "sizes": [key(size) for size in product.sizes],
        "tags": [key(tag) for tag in product.tags],
        "pattern": effective_pattern(product.pattern, product.seen_pattern),
        "seen_pattern": product.seen_pattern,
        "materials": [key(material) for material in product.materials],
        "availability": int(product.availability),
        "availability_score": AVAILABILITY_SCORES[product.availability],
        "has_vector": 0 if item.vector is None else 1,
        "etag": product.etag,
    }


def point_of(item: IndexedProduct, words: models.SparseVector, rates: RateTable) -> models.PointStruct:
    """Makes the point of a product.

    Args:
        item: The product.
        words: BM25 weights of its text.
        rates: The rates of this generation of the index.
    """
    vector: dict[str, Any] = {WORDS_VECTOR: words}
    if item.vector is not None:
        vector[IMAGE_VECTOR] = list(item.vector)
    return models.PointStruct(id=point_id(item.product.product_id), vector=vector, payload=payload_of(item, rates))


def fitting(item: IndexedProduct | None, dimension: int) -> IndexedProduct:
    """Leaves out a vector of another length: it would make the engine refuse the whole batch.

    Args:
        item: A product.
        dimension: How many numbers a vector of the index has.
    """
    if item is None:
        raise ValueError("a product without content")
    if item.vector is not None and len(item.vector) != dimension:
        return IndexedProduct(item.product, None, item.brand_score)
    return item


def product_of(payload: Mapping[str, Any], model: str) -> Product:
    """Reads the product back from a payload.

    Args:
        payload: The whole payload.
        model: The model of the index's vectors.
    """
    document = json.loads(payload["doc"])
    state = VectorState.READY if payload["has_vector"] else VectorState.NO_IMAGE
    if state is VectorState.NO_IMAGE and any(picture[0] for picture in document["pictures"]):
        state = VectorState.PENDING
    return from_document(
        document,
        seen_pattern=payload.get("seen_pattern", ""),
        vector_state=state,
        vector_model=model if state is VectorState.READY else "",
    )


def index_filter(wanted: ProductFilter, rates: RateTable, *, with_vector: bool) -> models.Filter:
    """Makes the index's filter.

    Args:
        wanted: Which products count.
        rates: The rates of this generation of the index.
        with_vector: Only products that have a vector.

    Returns:
        A filter; without conditions when everything counts.

    Raises:
        InvalidInputError: CURRENCY_UNKNOWN.
    """
    must: list[models.Condition] = []
    if with_vector:
        must.append(models.FieldCondition(key="has_vector", match=models.MatchValue(value=1)))
    must += _matches(_any_of(wanted))
    price = _price_range(wanted, rates)
    if price is not None:
        must.append(models.FieldCondition(key="price_eur", range=price))
    excluded: list[models.ExtendedPointId] = [point_id(product_id) for product_id in wanted.excluded]
    must_not: list[models.Condition] = [models.HasIdCondition(has_id=excluded)] if excluded else []
    must_not += _matches(_none_of(wanted.exclusions))
    return models.Filter(must=must or None, must_not=must_not or None)


_FieldValues = tuple[tuple[str, list[str] | list[int]], ...]


def _matches(fields: _FieldValues) -> list[models.FieldCondition]:
    return [models.FieldCondition(key=name, match=models.MatchAny(any=values)) for name, values in fields if values]


def _any_of(wanted: ProductFilter) -> _FieldValues:
    return (
        ("brand", list(wanted.brands)),
        ("category", list(wanted.categories)),
        ("bucket", [int(bucket) for bucket in wanted.buckets]),
        ("gender", list(wanted.gender_values())),
        ("colors", list(wanted.colors)),
        ("sizes", list(wanted.sizes)),
        ("tags", list(wanted.tags)),
        ("availability", [int(availability) for availability in wanted.availabilities]),
        ("pattern", list(wanted.patterns)),
        ("materials", list(wanted.materials)),
    )


def _none_of(unwanted: Exclusions) -> _FieldValues:
    return (
        ("brand", list(unwanted.brands)),
        ("category", list(unwanted.categories)),
        ("bucket", [int(bucket) for bucket in unwanted.buckets]),
        ("gender", [int(gender) for gender in unwanted.genders]),
        ("colors", list(unwanted.colors)),
        ("pattern", list(unwanted.patterns)),
        ("materials", list(unwanted.materials)),
        ("tags", list(unwanted.tags)),
    )


# Prices in the index are doubles made from decimals; a bound must not lose a price that equals it.
_PRICE_SLACK = 1e-9


def _price_range(wanted: ProductFilter, rates: RateTable) -> models.Range | None:
    if wanted.min_price is None and wanted.max_price is None:
        return None
    low, high = wanted.min_price, wanted.max_price
    return models.Range(
        gte=float(rates.to_euro(low, "ranking.filter.min_price")) * (1 - _PRICE_SLACK) if low else None,
        lte=float(rates.to_euro(high, "ranking.filter.max_price")) * (1 + _PRICE_SLACK) if high else NO_PRICE / 2,
    )
