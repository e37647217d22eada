"""A small made-up catalogue for tests."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np

from retrieval_svc.catalog.money import Money, RateTable
from retrieval_svc.catalog.product import ColorTag, Product
from retrieval_svc.catalog.vocabulary import Availability, Gender, bucket_of
from retrieval_svc.index.schema import IndexedProduct

DIMENSION = 24
RATES = RateTable(
    {"USD": Decimal("1.0389"), "JPY": Decimal("163.06"), "GBP": Decimal("0.82918")}, dt.date(2024, 12, 31)
)
BRANDS = ("Nordlys", "Mare", "Atelier Blanc", "Kumo")
CATEGORIES = ("shirt", "trousers", "coat", "dress", "sneakers", "bag")
COLORS = ("navy", "red", "white", "black", "olive")


def make_products(count: int) -> list[IndexedProduct]:
    """Makes products `sku-0` ...; every tenth has no vector."""
    rng = np.random.default_rng(1)
    products = []
    for number in range(count):
        color, category = COLORS[number % 5], CATEGORIES[number % 6]
        currency = ("EUR", "USD", "JPY", "GBP")[number % 4]
        euros = Decimal(str(round(float(rng.uniform(5, 150)), 2)))
        price = Money(currency, euros * RATES.units_per_euro.get(currency, Decimal(1))).rounded()
        vector = rng.normal(size=DIMENSION).astype(np.float32)
        vector /= np.linalg.norm(vector)
        product = Product(
            product_id=f"sku-{number}",
            title=f"{color} {category} {number}",
            category=category,
            price=price,
            brand=BRANDS[number % 7 % 4],
            bucket=bucket_of(category),
            gender=Gender(number % 4),
            colors=(ColorTag(color),),
            sizes=(("S", "M"), ("L",), ())[number % 3],
            availability=Availability(number % 7),
            pattern=("Stripes", "", "polka-dot")[number % 3],
            materials=("Linen",) if number % 4 == 0 else (),
            seen_pattern=("plain", "floral", "plain", "")[number % 4],
        )
        stated = None if number % 10 == 9 else [float(value) for value in vector]
        products.append(IndexedProduct(product, stated, brand_score=(number % 5) / 4))
    return products
