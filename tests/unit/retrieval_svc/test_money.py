"""Amounts of money and their conversion."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from mesh.errors import InvalidInputError
from retrieval_svc.catalog.money import Money
from tests.unit.retrieval_svc.catalogue import RATES, make_products

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("units", "nanos", "amount"),
    [(0, 0, "0"), (12, 500_000_000, "12.5"), (0, 1, "0.000000001"), (7, 990_000_000, "7.99")],
)
def test_parts_come_back(units: int, nanos: int, amount: str) -> None:
    money = Money.of_parts("EUR", units, nanos)
    assert money.amount == Decimal(amount)
    assert money.parts() == (units, nanos)


@pytest.mark.parametrize(
    ("money", "currency", "expected"),
    [
        # Rates: 1.0389 USD, 163.06 JPY, 0.82918 GBP for one euro; results by pocket calculator.
        (Money("EUR", Decimal(10)), "EUR", "10.00 EUR"),
        (Money("EUR", Decimal(100)), "USD", "103.89 USD"),
        (Money("USD", Decimal(100)), "EUR", "96.26 EUR"),
        (Money("GBP", Decimal(20)), "JPY", "3933 JPY"),
        (Money("JPY", Decimal(5000)), "GBP", "25.43 GBP"),
    ],
    ids=["same", "from-euro", "to-euro", "across-to-whole-yen", "across-from-yen"],
)
def test_convert(money: Money, currency: str, expected: str) -> None:
    assert str(RATES.convert(money, currency)) == expected


@pytest.mark.parametrize(("amount", "text"), [("12.50", "12.5"), ("12.5", "12.5"), ("300.00", "300"), ("0.00", "0")])
def test_amount_text_is_one_for_equal_amounts(amount: str, text: str) -> None:
    assert Money("EUR", Decimal(amount)).amount_text == text


def test_a_product_is_unchanged_when_its_price_is_written_with_more_zeros() -> None:
    product = make_products(1)[0].product
    etags = {replace(product, price=Money("EUR", Decimal(amount))).etag for amount in ("12.5", "12.50")}
    assert len(etags) == 1


def test_unknown_currency_names_field_and_currency() -> None:
    with pytest.raises(InvalidInputError) as caught:
        RATES.to_euro(Money("XTS", Decimal(1)), "ranking.budget")
    assert caught.value.reason == "CURRENCY_UNKNOWN"
    assert caught.value.violations[0].field == "ranking.budget"
    assert caught.value.metadata == {"currency": "XTS"}
