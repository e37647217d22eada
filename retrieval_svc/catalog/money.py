"""Amounts of money and the exchange rates that make them comparable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from mesh.errors import InvalidInputError

EURO = "EUR"
# Digits after the point, where they are not two (ISO 4217).
_MINOR_DIGITS = {"CLP": 0, "ISK": 0, "JPY": 0, "KRW": 0, "PYG": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}
_NANO = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency.

    Attributes:
        currency: ISO 4217 code, upper case.
        amount: Whole units and fractions; 0 or more for prices.
    """

    currency: str
    amount: Decimal

    @classmethod
    def of_parts(cls, currency: str, units: int, nanos: int) -> Money:
        """Makes it from the parts of a `google.type.Money`."""
        return cls(currency, Decimal(units) + Decimal(nanos) / _NANO)

    def parts(self) -> tuple[int, int]:
        """Returns whole units and nanos (10^-9), as `google.type.Money` has them."""
        units = int(self.amount)
        return units, int((self.amount - units) * _NANO)

    @property
    def amount_text(self) -> str:
        """The amount without needless zeros, so that 12.5 and 12.50 are the same text."""
        return f"{self.amount.normalize():f}"

    def rounded(self) -> Money:
        """Returns it in full minor units of its currency (cents; whole yen)."""
        digits = _MINOR_DIGITS.get(self.currency, 2)
        return Money(self.currency, self.amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN))

    def __str__(self) -> str:
        """Returns for example ``12.00 EUR``."""
        return f"{self.rounded().amount} {self.currency}"


@dataclass(frozen=True, slots=True)
class RateTable:
    """The newest exchange rate of each currency.

    Attributes:
        units_per_euro: How many units of a currency one euro costs; EUR itself is 1.
        date: The newest day among the rates.
        dates: The day of each rate.
    """

    units_per_euro: Mapping[str, Decimal]
    date: dt.date
    dates: Mapping[str, dt.date] = field(default_factory=dict)

    def knows(self, currency: str) -> bool:
        """Tells whether amounts in this currency can be converted."""
        return currency == EURO or currency in self.units_per_euro

    def day_of(self, currencies: Iterable[str]) -> dt.date:
        """Returns the oldest day among the rates of some currencies; `date` when none of them needs one."""
        return min((self.dates[code] for code in currencies if code in self.dates), default=self.date)

    def to_euro(self, money: Money, field: str = "price") -> Decimal:
        """Converts to euros, unrounded.

        Args:
            money: The amount.
            field: Path of the field that it came from, for the error.

        Raises:
            InvalidInputError: CURRENCY_UNKNOWN, when there is no rate.
        """
        return money.amount / self._rate(money.currency, field)

    def convert(self, money: Money, currency: str, field: str = "price") -> Money:
        """Converts to another currency, rounded to its minor unit; within one currency nothing changes.

        Args:
            money: The amount.
            currency: The currency wanted.
            field: Path of the field that it came from, for the error.

        Raises:
            InvalidInputError: CURRENCY_UNKNOWN, when there is no rate.
        """
        if money.currency == currency:
            return money
        euros = self.to_euro(money, field)
        return Money(currency, euros * self._rate(currency, "currency_code")).rounded()

    def _rate(self, currency: str, field: str) -> Decimal:
        if currency == EURO:
            return Decimal(1)
        rate = self.units_per_euro.get(currency)
        if rate is None:
            raise InvalidInputError.of(
                field, f"no exchange rate is known for {currency!r}", "CURRENCY_UNKNOWN", currency=currency
            )
        return rate
