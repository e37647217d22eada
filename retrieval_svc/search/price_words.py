"""Amounts of money in what people type: "under 50 EUR", "between 30 and 60 pounds", "max. 1,000 €", "around $80"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from retrieval_svc.catalog.money import Money
from retrieval_svc.search.currency_words import BEFORE, NAMES, SIGNS, code_of, is_code
from retrieval_svc.search.typed_text import blanked


@dataclass(frozen=True, slots=True)
class Prices:
    """What was read.

    Attributes:
        least: The least it may cost.
        most: The most it may cost.
        about: What it should cost, about.
        places: `max_price`, `min_price` or `budget`, with start and end in the text; empty instead of these for an
            amount in a currency without a rate, which limits nothing.
    """

    least: Money | None = None
    most: Money | None = None
    about: Money | None = None
    places: tuple[tuple[str, int, int], ...] = ()


# Amounts of something else than money.
_UNITS = (
    r"(?! ?(?:%|cm\b|mm\b|inch|kg\b|g\b|m\b|ml\b|years?\b|yrs?\b|days?\b|hours?\b|denier|den\b|degrees|pieces?\b"
    r"|packs?\b|colou?rs?\b|pockets?\b|buttons?\b|percent))"
)
# 1,000 and 1.000 are a thousand: no price has three decimals.
_NUMBER = r"(?:\d{1,3}(?:[.,']\d{3})+(?:[.,]\d{1,2})?|\d{1,6}(?:[.,]\d{1,2})?)(?![.,]?\d)"


def _amount(name: str) -> str:
    after = rf"(?: ?(?P<{name}_after>(?:{NAMES}|[a-z]{{3}})(?![a-z0-9])|{SIGNS}))"
    return (
        rf"(?:(?P<{name}_before>{BEFORE}) ?)?"
        rf"(?P<{name}>{_NUMBER})(?:[.,]-)?{_UNITS}(?:{after}|(?!\w))"
    )


_A = _amount("a")
_QUALIFIED = r"(?:(?:around|about|at|for|costing|priced(?: at)?|in the range(?: of)?|price|~) +)?"
_BETWEEN = (
    re.compile(rf"(?<!size )\b(?:between|from) +{_A} *(?:and|to|up to|until|-) *{_amount('b')}"),
    re.compile(rf"(?<!size )(?<![\w.,]){_QUALIFIED}{_A} *(?:-|to) *{_amount('b')}"),
)
_LESS = (
    r"under|below|less th[ae]n|lower than|cheaper th[ae]n|at most|up ?to|max(?:imum)?\b\.?|within|until|not exceeding|"
    r"<=?|\u2264|\u2a7d"
)
_MORE = (
    r"over|above|more th[ae]n|higher than|dearer than|at least|from|min(?:imum)?\b\.?|starting (?:at|from)|upwards of|"
    r">=?|\u2265|\u2a7e"
)
_OF = r"(?: +(?:a +)?(?:budget|price|limit|maximum|minimum))?(?: +of)? *"
_NOT = r"(?P<no>\b(?:not|no|nothing|never) +)?"
# In this order: what stands before an amount claims it first ("min. 20 max. 40").
_SINGLE = (
    ("max_price", re.compile(rf"(?:\b(?:for|at) +)?{_NOT}(?<!\w)(?:{_LESS}){_OF}{_A}")),
    ("min_price", re.compile(rf"(?:\b(?:for|at) +)?{_NOT}(?<!\w)(?:{_MORE}){_OF}{_A}")),
    ("max_price", re.compile(
        rf"(?<![\w.,]){_A} *(?:or (?:less|under|below|cheaper)|and (?:under|below)|max(?:imum)?\b\.?|tops\b|at most)")),
    ("min_price", re.compile(
        rf"(?<![\w.,]){_A} *(?:or (?:more|over|above)|and (?:up|over|above)|upwards|min(?:imum)?\b\.?|\+)")),
    ("budget", re.compile(
        rf"(?:\b(?:for|at) +)?(?:\b(?:around|about|roughly|approximately|approx\b\.?|circa|ca\b\.?|near(?:ly)?"
        rf"|close to)|~|\u2248){_OF}{_A}")),
    ("budget", re.compile(rf"(?:\bprice[d]?(?: at)?|\bcost(?:s|ing)?|\bbudget(?: of| is)?:?) *{_A}")),
    ("budget", re.compile(rf"(?:\b(?:for|at) +)?(?<![\w.,]){_A}")),
)  # fmt: skip
_OPPOSITE = {"max_price": "min_price", "min_price": "max_price"}
# The last pattern has no word that makes a number a price; there must be a currency.
_BARE = len(_SINGLE) - 1
_YEARS = range(1900, 2100)


def read_prices(text: str, typed: str, currency: str, knows: Callable[[str], bool]) -> Prices:
    """Reads amounts that are limits or a budget; others stay words.

    Args:
        text: Folded, see `retrieval_svc.search.typed_text`.
        typed: The same as it was typed.
        currency: What an amount without a currency is in.
        knows: Tells whether there is a rate for a currency.
    """
    reader = _Reader(typed, currency, knows)
    places: list[tuple[str, int, int]] = []
    for pattern in _BETWEEN:
        for match in pattern.finditer(text):
            prices = reader.range(match, certain=pattern is _BETWEEN[0])
            if prices is not None and prices.most is not None:
                return replace(prices, places=(*places, *prices.places))
            if prices is not None:
                places += prices.places
                text = blanked(text, [(match.start(), prices.places[0][2])])
    found: dict[str, Money] = {}
    for number, (kind, pattern) in enumerate(_SINGLE):
        for match in pattern.finditer(text):
            name = _OPPOSITE[kind] if match.groupdict().get("no") else kind
            money, end = reader.money(match, "a")
            stated = reader.stated(match, "a") is not None
            taken = money is not None and (money.amount <= 0 or name in found)
            if taken or (not stated and (money is None or number == _BARE or _is_year(money))):
                continue
            if money is not None:
                found[name] = money
            places.append((name if money is not None else "", match.start(), end))
            text = blanked(text, [(match.start(), end)])
    if "min_price" in found or "max_price" in found:
        places = [place for place in places if place[0] != "budget"]
        found.pop("budget", None)
    return Prices(found.get("min_price"), found.get("max_price"), found.get("budget"), tuple(places))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the amounts that the patterns found; see `read_prices` for its fields."""

    typed: str
    currency: str
    knows: Callable[[str], bool]

    def range(self, match: re.Match[str], *, certain: bool) -> Prices | None:
        """Reads a range; a currency that stands at one end holds for both. Without one "38-40" is a size as well."""
        stated = self.stated(match, "a") or self.stated(match, "b")
        if stated is None and not certain:
            return None
        high, end = self.money(match, "b", stated)
        low, _ = self.money(match, "a", stated)
        if low is None or high is None:
            return Prices(places=(("", match.start(), end),)) if stated else None
        if stated is None and _is_year(low) and _is_year(high):
            return None
        if low.currency == high.currency and low.amount > high.amount:
            low, high = high, low
        return Prices(low, high, None, (("min_price", match.start(), end), ("max_price", match.start(), end)))

    def money(self, match: re.Match[str], group: str, otherwise: str | None = None) -> tuple[Money | None, int]:
        """Reads one amount, and where it ends; None when its currency has no rate."""
        after, end = match.group(f"{group}_after"), match.end()
        if after is not None and self._after(match, group) is None and end == match.end(f"{group}_after"):
            end = match.end(group)
        code = self.stated(match, group) or otherwise or self.currency
        return (Money(code, _decimal(match.group(group))), end) if self.knows(code) else (None, end)

    def stated(self, match: re.Match[str], group: str) -> str | None:
        """The currency that an amount names, with a rate or without; what stands behind it is the more exact one."""
        before = match.group(f"{group}_before")
        return self._after(match, group) or (code_of(before) if before else None)

    def _after(self, match: re.Match[str], group: str) -> str | None:
        """The currency behind an amount; a word of three letters there may be just a word."""
        word = match.group(f"{group}_after")
        if word is None:
            return None
        start, end = match.span(f"{group}_after")
        code = code_of(word)
        return code if self.knows(code) or is_code(self.typed, start, end) else None


def _decimal(number: str) -> Decimal:
    """Reads 50, 49.90, 49,90, 1,000 and 1.000,50: of two kinds of marks the last one stands before decimals."""
    whole, mark, rest = number, "", ""
    place = max(number.rfind("."), number.rfind(","))
    if place >= 0 and len(number) - place - 1 < 3:
        whole, mark, rest = number[:place], ".", number[place + 1 :]
    return Decimal(re.sub(r"[.,']", "", whole) + mark + rest)


def _is_year(money: Money) -> bool:
    return money.amount in _YEARS
