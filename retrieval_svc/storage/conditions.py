"""`ProductFilter` in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from retrieval_svc.catalog.filters import Exclusions, ProductFilter
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
        (products.c.material_keys, wanted.materials),
    ]
    conditions += [_overlap(column, values) for column, values in lists if values]
    if wanted.patterns:
        conditions.append(_pattern().in_(wanted.patterns))
    conditions += _exclusions(wanted.exclusions)
    if wanted.excluded:
        conditions.append(products.c.product_id.not_in(wanted.excluded))
    if wanted.min_price:
        conditions.append(_euros() >= wanted.min_price.amount)
    if wanted.max_price:
        conditions.append(_euros() <= wanted.max_price.amount)
    return conditions


def _exclusions(unwanted: Exclusions) -> list[sa.ColumnElement[bool]]:
    columns: list[tuple[sa.ColumnElement[Any], Sequence[Any]]] = [
        (products.c.brand_key, unwanted.brands),
        (products.c.category_key, unwanted.categories),
        (products.c.bucket, [int(bucket) for bucket in unwanted.buckets]),
        (products.c.gender, [int(gender) for gender in unwanted.genders]),
        (_pattern(), unwanted.patterns),
    ]
    lists = [
        (products.c.color_keys, unwanted.colors),
        (products.c.material_keys, unwanted.materials),
        (products.c.tag_keys, unwanted.tags),
    ]
    none_of = [column.not_in(values) for column, values in columns if values]
    return none_of + [sa.not_(_overlap(column, values)) for column, values in lists if values]


def _overlap(column: sa.Column[Any], values: Sequence[str]) -> sa.ColumnElement[bool]:
    return column.bool_op("&&")(sa.cast(list(values), pg.ARRAY(sa.Text)))


def _pattern() -> sa.ColumnElement[str]:
    """What `retrieval_svc.catalog.patterns.effective_pattern` gives; never null, which is neither in nor not in."""
    return sa.func.coalesce(sa.func.nullif(products.c.pattern_name, ""), products.c.seen_pattern, "")


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
