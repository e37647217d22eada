"""Amounts of money in what people type: "under 50 EUR", "between 30 and 60 pounds", "around $80"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from retrieval_svc.catalog.money import Money


@dataclass(frozen=True, slots=True)
class Prices:
    """What was read.

    Attributes:
        least: The least it may cost.
        most: The most it may cost.
        about: What it should cost, about.
        places: `max_price`, `min_price` or `budget`, with start and end in the text.
    """

    least: Money | None = None
    most: Money | None = None
    about: Money | None = None
    places: tuple[tuple[str, int, int], ...] = ()


_CURRENCIES: Mapping[str, str] = {
    "€": "EUR", "euro": "EUR", "euros": "EUR", "$": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD",
    "£": "GBP", "pound": "GBP", "pounds": "GBP", "quid": "GBP", "¥": "JPY", "yen": "JPY", "franc": "CHF",
    "francs": "CHF", "zloty": "PLN", "koruna": "CZK",
}  # fmt: skip
# Codes that may stand before an amount; behind one, every code with a rate counts.
_COMMON = ("EUR", "USD", "GBP", "JPY", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "AUD", "CAD", "CNY", "INR")
_CODES = "|".join(_COMMON).lower()
_NAMES = "|".join(re.escape(name) for name in sorted(_CURRENCIES, key=len, reverse=True))


def _amount(name: str) -> str:
    return (
        rf"(?:(?P<{name}_before>[€$£¥]|(?<![a-z])(?:{_CODES})(?= ?\d)) ?)?"
        rf"(?P<{name}>\d{{1,6}}(?:[.,]\d{{1,2}})?)(?!\d|%)"
        rf"(?: ?(?P<{name}_after>(?:{_NAMES}|[a-z]{{3}})(?![a-z])|[€$£¥]))?"
    )


_BETWEEN = re.compile(
    rf"\b(?:between|from) {_amount('a')} (?:and|to|-) {_amount('b')}|(?<!\S){_amount('c')} ?- ?{_amount('d')}"
)
_SINGLE = (
    ("max_price", re.compile(
        r"\b(?:for |at )?(?:under|below|less than|cheaper than|not more than|no more than|at most|up to"
        rf"|max(?:imum)?(?: of)?|within) {_amount('a')}|{_amount('b')} (?:or less|max(?:imum)?)\b")),
    ("min_price", re.compile(
        rf"\b(?:over|above|more than|at least|from|min(?:imum)?(?: of)?) {_amount('a')}|{_amount('b')} (?:or more)\b")),
    ("budget", re.compile(rf"\b(?:for |at )?(?:around|about|roughly|approximately|circa|ca\.?) {_amount('a')}")),
    ("budget", re.compile(rf"\b(?:for|budget(?: of)?) {_amount('a')}")),
)  # fmt: skip


def read_prices(text: str, currency: str, knows: Callable[[str], bool]) -> Prices:
    """Reads amounts that are limits or a budget; others stay words.

    Args:
        text: Lower case.
        currency: What an amount without a currency is in.
        knows: Tells whether there is a rate for a currency.
    """
    between = _BETWEEN.search(text)
    if between is not None:
        first, second = ("a", "b") if between.group("a") else ("c", "d")
        low, high, end = _span(between, first, second, currency, knows)
        if low is not None and high is not None and low.amount <= high.amount:
            places = (("min_price", between.start(), end), ("max_price", between.start(), end))
            return Prices(low, high, None, places)
    found: dict[str, Money] = {}
    places_found: list[tuple[str, int, int]] = []
    for name, pattern in _SINGLE:
        match = pattern.search(text)
        if match is None or name in found or any(s < match.end() and match.start() < e for _, s, e in places_found):
            continue
        group = "a" if match.group("a") else "b"
        money, end = _money(match, group, currency, knows)
        plain_for = text[match.start() :].startswith("for ") and name == "budget" and not _has_currency(match, group)
        if money is not None and money.amount > 0 and not plain_for:
            found[name] = money
            places_found.append((name, match.start(), end))
    return Prices(found.get("min_price"), found.get("max_price"), found.get("budget"), tuple(places_found))


def _span(
    match: re.Match[str], first: str, second: str, currency: str, knows: Callable[[str], bool]
) -> tuple[Money | None, Money | None, int]:
    """Reads a range; a currency that stands at one end holds for both."""
    stated = _has_currency(match, first) or _has_currency(match, second)
    if first == "c" and stated is None:  # "38-40" is a size as well
        return None, None, match.end()
    high, end = _money(match, second, stated or currency, knows)
    low, _ = _money(match, first, high.currency if high else currency, knows)
    return low, high, end


def _money(match: re.Match[str], group: str, currency: str, knows: Callable[[str], bool]) -> tuple[Money | None, int]:
    """Reads one amount, and where it ends; a word of three letters behind it may be just a word."""
    before, after = match.group(f"{group}_before"), match.group(f"{group}_after")
    end = match.end()
    code = _code(before) or _code(after) or currency
    if not knows(code):
        code = currency
    used = after is not None and _code(after) is not None and knows(_code(after) or "")
    if after is not None and not used and end == match.end(f"{group}_after"):
        end = match.end(group)
    if not knows(code):
        return None, end
    return Money(code, Decimal(match.group(group).replace(",", "."))), end


def _has_currency(match: re.Match[str], group: str) -> str | None:
    return _code(match.group(f"{group}_before")) or _symbol(match.group(f"{group}_after"))


def _symbol(word: str | None) -> str | None:
    return None if word is None else _CURRENCIES.get(word) or (word.upper() if word.upper() in _COMMON else None)


def _code(word: str | None) -> str | None:
    return None if word is None else _CURRENCIES.get(word) or word.upper()
