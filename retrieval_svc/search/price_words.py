"""Amounts of money in what people type: "under 50 EUR", "between 30 and 60 pounds", "max. 1,000 €", "around $80"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from retrieval_svc.catalog.money import Money
from retrieval_svc.search.typed_text import blanked


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
    "€": "EUR", "euro": "EUR", "euros": "EUR", "$": "USD", "us$": "USD", "dollar": "USD", "dollars": "USD",
    "bucks": "USD", "£": "GBP", "pound": "GBP", "pounds": "GBP", "quid": "GBP", "¥": "JPY", "yen": "JPY",
    "franc": "CHF", "francs": "CHF", "zloty": "PLN", "koruna": "CZK",
}  # fmt: skip
# Codes that may stand before an amount; behind one, every code with a rate counts.
_COMMON = ("EUR", "USD", "GBP", "JPY", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "AUD", "CAD", "CNY", "INR")
_CODES = "|".join(_COMMON).lower()
_NAMES = "|".join(re.escape(name) for name in sorted(_CURRENCIES, key=len, reverse=True))
_SIGNS = r"us\$|[€$£¥]"
# Amounts of something else than money.
_UNITS = (
    r"(?! ?(?:%|cm\b|mm\b|inch|kg\b|g\b|m\b|ml\b|years?\b|yrs?\b|days?\b|hours?\b|denier|den\b|degrees|pieces?\b"
    r"|packs?\b|colou?rs?\b|pockets?\b|buttons?\b|percent))"
)
# 1,000 and 1.000 are a thousand: no price has three decimals.
_NUMBER = r"(?:\d{1,3}(?:[.,']\d{3})+(?:[.,]\d{1,2})?|\d{1,6}(?:[.,]\d{1,2})?)(?![.,]?\d)"


def _amount(name: str) -> str:
    after = rf"(?: ?(?P<{name}_after>(?:{_NAMES}|[a-z]{{3}})(?![a-z0-9])|[€$£¥]))"
    return (
        rf"(?:(?P<{name}_before>{_SIGNS}|(?<![a-z])(?:{_CODES})(?= ?\d)) ?)?"
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


def read_prices(text: str, currency: str, knows: Callable[[str], bool]) -> Prices:
    """Reads amounts that are limits or a budget; others stay words.

    Args:
        text: Folded, see `retrieval_svc.search.typed_text`.
        currency: What an amount without a currency is in.
        knows: Tells whether there is a rate for a currency.
    """
    for pattern in _BETWEEN:
        for match in pattern.finditer(text):
            prices = _range(match, currency, knows, certain=pattern is _BETWEEN[0])
            if prices is not None:
                return prices
    found: dict[str, Money] = {}
    places: list[tuple[str, int, int]] = []
    for number, (kind, pattern) in enumerate(_SINGLE):
        for match in pattern.finditer(text):
            name = _OPPOSITE[kind] if match.groupdict().get("no") else kind
            money, end = _money(match, "a", currency, knows)
            unsaid = _has_currency(match, "a", knows) is None
            if money is None or money.amount <= 0 or name in found or (unsaid and (number == _BARE or _is_year(money))):
                continue
            found[name] = money
            places.append((name, match.start(), end))
            text = blanked(text, [(match.start(), end)])
    if "min_price" in found or "max_price" in found:
        places = [place for place in places if place[0] != "budget"]
        found.pop("budget", None)
    return Prices(found.get("min_price"), found.get("max_price"), found.get("budget"), tuple(places))


def _range(match: re.Match[str], currency: str, knows: Callable[[str], bool], *, certain: bool) -> Prices | None:
    """Reads a range; a currency that stands at one end holds for both. Without one "38-40" is a size as well."""
    stated = _has_currency(match, "a", knows) or _has_currency(match, "b", knows)
    if stated is None and not certain:
        return None
    high, end = _money(match, "b", stated or currency, knows)
    low, _ = _money(match, "a", stated or currency, knows)
    if low is None or high is None or (stated is None and _is_year(low) and _is_year(high)):
        return None
    if low.currency == high.currency and low.amount > high.amount:
        low, high = high, low
    return Prices(low, high, None, (("min_price", match.start(), end), ("max_price", match.start(), end)))


def _money(match: re.Match[str], group: str, currency: str, knows: Callable[[str], bool]) -> tuple[Money | None, int]:
    """Reads one amount, and where it ends; a word of three letters behind it may be just a word."""
    before, after = match.group(f"{group}_before"), match.group(f"{group}_after")
    used = after is not None and knows(_code(after) or "")
    end = match.end()
    if after is not None and not used and end == match.end(f"{group}_after"):
        end = match.end(group)
    code = next((code for code in (_code(before), _code(after)) if code and knows(code)), currency)
    return (Money(code, _decimal(match.group(group))), end) if knows(code) else (None, end)


def _decimal(number: str) -> Decimal:
    """Reads 50, 49.90, 49,90, 1,000 and 1.000,50: of two kinds of marks the last one stands before decimals."""
    whole, mark, rest = number, "", ""
    place = max(number.rfind("."), number.rfind(","))
    if place >= 0 and len(number) - place - 1 < 3:
        whole, mark, rest = number[:place], ".", number[place + 1 :]
    return Decimal(re.sub(r"[.,']", "", whole) + mark + rest)


def _has_currency(match: re.Match[str], group: str, knows: Callable[[str], bool]) -> str | None:
    codes = (_code(match.group(f"{group}_before")), _symbol(match.group(f"{group}_after"), knows))
    return next((code for code in codes if code), None)


def _symbol(word: str | None, knows: Callable[[str], bool]) -> str | None:
    """The currency that a word behind an amount names; any code with a rate, since "50 sek" can be nothing else."""
    code = _code(word)
    return code if code is not None and knows(code) else None


def _code(word: str | None) -> str | None:
    return None if word is None else _CURRENCIES.get(word) or word.upper()


def _is_year(money: Money) -> bool:
    return money.amount in _YEARS
