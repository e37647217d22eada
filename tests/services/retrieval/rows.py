"""Rows of imports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from vitrine.retrieval.v1 import catalog_service_pb2 as pb
from vitrine.type.v1 import image_pb2

from tests.services.retrieval.vision_stub import COLORS, draw

BRANDS = ("Nordlys", "Mare", "Kumo")
CATEGORIES = ("shirt", "trousers", "dress", "coat")
CURRENCIES = ("EUR", "USD", "GBP", "JPY")


def raw(row_number: int, images: Sequence[bytes] = (), **columns: str) -> pb.ImportRow:
    """A row of text columns."""
    pictures = [image_pb2.Image(data=data) for data in images]
    return pb.ImportRow(row_number=row_number, raw=pb.RawRow(columns=columns), images=pictures)


def shirt(row_number: int = 1, images: Sequence[bytes] = (), **changes: str) -> pb.ImportRow:
    """A good row, changed; an empty value takes the column out."""
    columns = {"sku": f"S-{row_number}", "title": "Navy shirt", "category": "shirt", "price": "20.00 EUR"} | changes
    return raw(row_number, images, **{name: value for name, value in columns.items() if value != "-"})


def demo_rows() -> list[pb.ImportRow]:
    """Six colours x four categories x two patterns: 48 products, three brands, four currencies."""
    rows: list[pb.ImportRow] = []
    for color in COLORS:
        for category in CATEGORIES:
            for stripes in (0, 4):
                number = len(rows)
                pattern = "striped" if stripes else "plain"
                currency = CURRENCIES[number % 4]
                amount = (10 + 3 * number) * (160 if currency == "JPY" else 1)
                picture = draw(color, stripes=stripes, size=(60 + 6 * (number % 3), 90))
                row = raw(
                    number + 1,
                    [picture],
                    sku=f"D-{number}",
                    title=f"{color} {pattern} {category}",
                    category=category,
                    brand=BRANDS[number % 3],
                    colors=color,
                    pattern=pattern,
                    price=str(amount),
                    currency=currency,
                    gender=("women", "men", "unisex")[number % 3],
                    sizes="S|M|L" if number % 2 else "40|42",
                    availability=("in_stock", "out_of_stock", "low_stock")[number % 3],
                    tags="summer" if number % 5 == 0 else "",
                    materials="Wool|silk" if number % 7 == 0 else "",
                )
                rows.append(row)
    return rows


async def stream_of(
    rows: Sequence[pb.ImportRow], *, chunk: int = 20, **config: Any
) -> AsyncIterator[pb.ImportProductsRequest]:
    """The messages of an import."""
    yield pb.ImportProductsRequest(config=pb.ImportConfig(**config))
    for start in range(0, len(rows), chunk):
        yield pb.ImportProductsRequest(chunk=pb.ImportChunk(rows=rows[start : start + chunk]))
