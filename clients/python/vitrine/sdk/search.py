"""What a search may be told beside what to look for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from google.type.money_pb2 import Money
from vitrine.retrieval.v1 import match_pb2, product_pb2, search_service_pb2
from vitrine.type.v1 import personal_context_pb2

# How much a person's taste, size and colour season count beside 0.6 for likeness: as for the products of a capture.
_PERSONAL = match_pb2.RankingWeights(taste=0.1, size=0.1, color_season=0.1)
_MONEY = re.compile(r"(?P<amount>\d{1,9}(?:\.\d{1,4})?) ?(?P<currency>[A-Za-z]{3})?")
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Which products count, and how they are ranked. Of several values in one field any one will do.

    Attributes:
        brands: Brands.
        categories: Categories, such as ``coat``.
        colors: Names of colours.
        sizes: Sizes, as the shop writes them.
        genders: Whom they are for; women and men also find unisex.
        in_stock: Only what can be had at once.
        min_price: The least that it may cost, in any currency with a rate.
        max_price: The most that it may cost.
        budget: What to spend, about: draws the order and excludes nothing.
        currency: Currency of converted prices, ISO 4217; that of the budget, or EUR, when empty.
        diversity: How much likeness to what stands before a match costs it, 0-1; 0.3 is noticeable.
        collapse_duplicates: Show the same thing once, for example in all its sizes.
        personal: For whom to rank; see `Vitrine.personal_context`.
    """

    brands: Sequence[str] = ()
    categories: Sequence[str] = ()
    colors: Sequence[str] = ()
    sizes: Sequence[str] = ()
    genders: Sequence[product_pb2.Gender.ValueType] = ()
    in_stock: bool = False
    min_price: Money | None = None
    max_price: Money | None = None
    budget: Money | None = None
    currency: str = ""
    diversity: float = 0.0
    collapse_duplicates: bool = False
    personal: personal_context_pb2.PersonalContext | None = None

    def ranking(self) -> search_service_pb2.RankingOptions:
        """Returns them in the words of the contract."""
        there = (product_pb2.AVAILABILITY_IN_STOCK, product_pb2.AVAILABILITY_LOW_STOCK)
        wanted = product_pb2.ProductFilter(
            brands=self.brands,
            categories=self.categories,
            colors=self.colors,
            sizes=self.sizes,
            genders=self.genders,
            availabilities=there if self.in_stock else (),
            min_price=self.min_price,
            max_price=self.max_price,
        )
        return search_service_pb2.RankingOptions(
            filter=wanted,
            budget=self.budget,
            weights=_PERSONAL if self.personal is not None else None,
            personal_context=self.personal,
            currency_code=self.currency,
            diversity=self.diversity,
            collapse_duplicates=self.collapse_duplicates,
        )


def money_of(text: str, currency: str = "") -> Money:
    """Reads an amount with its currency.

    Args:
        text: For example ``49.90EUR`` or ``50 usd``.
        currency: What an amount without one is in; empty when it must have one.

    Raises:
        ValueError: It is none.
    """
    match = _MONEY.fullmatch(text.strip())
    code = (match["currency"] or currency).upper() if match else ""
    if match is None or not code:
        raise ValueError(f"must be an amount and its currency, such as 49.90EUR, got {text!r}")
    amount = Decimal(match["amount"])
    return Money(currency_code=code, units=int(amount), nanos=int(amount % 1 * _NANO))
