"""A row of text columns becomes a product, or a list of what is wrong with it.

The rules are those of `vitrine.retrieval.v1.Product`; they are repeated here because a row has column names instead of
fields, and every problem of a row is reported, not only the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from enum import IntEnum
from typing import TypeVar

from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.product import ColorTag, Picture, Product, normalized
from retrieval_svc.catalog.vocabulary import (
    Availability,
    Bucket,
    Gender,
    bucket_of,
    parse_availability,
    parse_bucket,
    parse_gender,
)

COLUMNS = (
    "sku", "title", "description", "brand", "category", "bucket", "gender", "colors", "sizes", "price", "currency",
    "availability", "url", "tags", "pattern", "materials", "image_url", "image_alt",
)  # fmt: skip
_SKU = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")
_PRICE = re.compile(r"(?P<amount>\d{1,9}(?:\.\d{1,4})?)(?:\s*(?P<currency>[A-Z]{3}))?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LINK = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_MAX_SHOWN = 60
_EnumT = TypeVar("_EnumT", bound=IntEnum)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing that is wrong with a row.

    Attributes:
        field: Column name or path in the product.
        description: What was expected and what came.
        reason: Name of an `ErrorReason`.
        metadata: Facts for machines, such as `limit` and `actual`.
    """

    field: str
    description: str
    reason: str = "INVALID_FIELD"
    metadata: Mapping[str, str] = dataclass_field(default_factory=dict)


@dataclass(slots=True)
class _Reader:
    columns: Mapping[str, str]
    problems: list[RowProblem] = dataclass_field(default_factory=list)

    def text(self, column: str, longest: int, *, required: bool = False) -> str:
        value = self.columns.get(column, "").strip()
        if required and not value:
            self.refuse(column, "is required, got nothing")
        if len(value) > longest:
            self.refuse(column, f"must have at most {longest} characters, got {len(value)}")
        self.check_storable(column, value)
        return value

    def items(self, column: str, most: int, longest: int) -> tuple[str, ...]:
        values = tuple(item.strip() for item in self.columns.get(column, "").split("|") if item.strip())
        if len(values) > most:
            self.refuse(column, f"must have at most {most} items, got {len(values)}")
        for value in values:
            if len(value) > longest:
                self.refuse(column, f"an item must have at most {longest} characters, got {len(value)}")
            self.check_storable(column, value)
        return values

    def word(self, column: str, parse: Callable[[str], _EnumT | None], default: _EnumT) -> _EnumT:
        value = self.columns.get(column, "").strip()
        if not value:
            return default
        known = parse(value)
        if known is None:
            names = ", ".join(item.name.lower() for item in type(default) if item)
            self.refuse(column, f"must be one of {names}, got {value[:_MAX_SHOWN]!r}")
        return default if known is None else known

    def check_storable(self, column: str, value: str) -> None:
        """PostgreSQL keeps every character but one."""
        if "\0" in value:
            self.refuse(column, "must not have a NUL character")

    def refuse(self, column: str, description: str, reason: str = "INVALID_FIELD") -> None:
        self.problems.append(RowProblem(column, description, reason))


def parse_row(columns: Mapping[str, str], *, default_currency: str = "") -> Product | list[RowProblem]:
    """Reads one row.

    Args:
        columns: Text by column; `COLUMNS` are known, lists are separated by ``|``.
        default_currency: Currency of a price that names none; empty when there is no such default.

    Returns:
        The product without our copies of its pictures, or every problem of the row.
    """
    reader = _Reader(columns)
    for column in columns:
        if column not in COLUMNS:
            shown = column[:_MAX_SHOWN].replace("\0", "\ufffd")
            reader.refuse(shown or "columns", f"is no known column; known are {', '.join(COLUMNS)}")
    product = _read(reader, default_currency)
    return reader.problems or normalized(product)


def _read(reader: _Reader, default_currency: str) -> Product:
    category = reader.text("category", 60, required=True)
    return Product(
        product_id=_sku(reader),
        title=reader.text("title", 300, required=True),
        description=reader.text("description", 5000),
        brand=reader.text("brand", 100),
        category=category,
        bucket=reader.word("bucket", parse_bucket, Bucket.UNSPECIFIED) or bucket_of(category),
        gender=reader.word("gender", parse_gender, Gender.UNSPECIFIED),
        colors=_colors(reader),
        sizes=reader.items("sizes", 60, 20),
        price=_price(reader, default_currency),
        pictures=_links(reader),
        availability=reader.word("availability", parse_availability, Availability.UNSPECIFIED),
        url=reader.text("url", 2000),
        tags=reader.items("tags", 50, 60),
        pattern=reader.text("pattern", 40),
        materials=reader.items("materials", 10, 60),
    )


def _sku(reader: _Reader) -> str:
    sku = reader.text("sku", 64, required=True)
    if sku and not _SKU.fullmatch(sku):
        expected = "must be letters, digits, '.', '_', '-', the first a letter or digit"
        reader.refuse("sku", f"{expected}, got {sku[:_MAX_SHOWN]!r}")
    return sku


def _price(reader: _Reader, default_currency: str) -> Money:
    text = reader.text("price", 40, required=True)
    match = _PRICE.fullmatch(text)
    if match is None:
        if text:
            reader.refuse("price", f"must be an amount such as 12.50, or 12.50 EUR, got {text[:_MAX_SHOWN]!r}")
        return Money("", Decimal(0))
    named = reader.text("currency", 3).upper()
    if named and match["currency"] and named != match["currency"]:
        reader.refuse("currency", f"says {named}, but the price says {match['currency']}")
    currency = match["currency"] or named or default_currency
    if not _CURRENCY.fullmatch(currency):
        reader.refuse("currency", f"must be a three-letter currency, got {currency!r}")
    return Money(currency, Decimal(match["amount"]))


def _colors(reader: _Reader) -> tuple[ColorTag, ...]:
    """Colours are names, each with an optional hex code: ``navy#1f2a44|white``."""
    colors = []
    for item in reader.items("colors", 8, 60):
        name, mark, code = item.partition("#")
        if mark and not _HEX.fullmatch(mark + code):
            reader.refuse("colors", f"must be a name, or a name with #rrggbb, got {item[:_MAX_SHOWN]!r}")
        if not name.strip():
            reader.refuse("colors", f"must have a name, got {item[:_MAX_SHOWN]!r}")
        colors.append(ColorTag(name, mark + code))
    return tuple(colors)


def _links(reader: _Reader) -> tuple[Picture, ...]:
    url, alt_text = reader.text("image_url", 2000), reader.text("image_alt", 500)
    if url and not _LINK.fullmatch(url):
        reader.refuse("image_url", f"must be an http or https URL, got {url[:_MAX_SHOWN]!r}")
    return (Picture(url=url, alt_text=alt_text),) if url or alt_text else ()
