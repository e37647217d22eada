"""`ProductFilter` in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.storage.tables import currency_rates, products


def conditions_of(wanted: ProductFilter) -> list[sa.ColumnElement[bool]]:
    """Makes the SQL conditions; `retrieval_svc.index.schema.index_filter` makes those of the index.

    Args:
        wanted: Which products count; its prices are in euros.
    """
    columns: list[tuple[sa.ColumnElement[Any], Sequence[Any]]] = [
        (products.c.brand_key, wanted.brands),
        (products.c.category_key, wanted.categories),
        (products.c.bucket, [int(bucket) for bucket in wanted.buckets]),
        (products.c.gender, wanted.gender_values()),
        (products.c.availability, [int(availability) for availability in wanted.availabilities]),
    ]
    conditions: list[sa.ColumnElement[bool]] = [column.in_(values) for column, values in columns if values]
    lists = [
        (products.c.color_keys, wanted.colors),
        (products.c.size_keys, wanted.sizes),
        (products.c.tag_keys, wanted.tags),
    ]
    conditions += [column.overlap(sa.cast(list(values), pg.ARRAY(sa.Text))) for column, values in lists if values]
    if wanted.excluded:
        conditions.append(products.c.product_id.not_in(wanted.excluded))
    if wanted.min_price:
        conditions.append(_euros() >= wanted.min_price.amount)
    if wanted.max_price:
        conditions.append(_euros() <= wanted.max_price.amount)
    return conditions


def _euros() -> sa.ColumnElement[Any]:
    """The price in euros by the newest rate; null, and so outside every range, where there is none."""
    rate = (
        sa.select(currency_rates.c.units_per_euro)
        .where(currency_rates.c.currency == products.c.currency)
        .order_by(currency_rates.c.date.desc())
        .limit(1)
        .scalar_subquery()
    )
    return products.c.amount / sa.case((products.c.currency == "EUR", 1), else_=rate)
