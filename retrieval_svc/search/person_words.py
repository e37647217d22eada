"""For whom, in which size, and whether at once: what a typed text says about the buyer and not about the garment."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from retrieval_svc.catalog.vocabulary import Availability, Gender

Spans = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Genders:
    """Genders that are asked for, and those that are not wanted, with their places in the text."""

    wanted: tuple[Gender, ...]
    wanted_at: Spans
    unwanted: tuple[Gender, ...]
    unwanted_at: Spans


_WORDS = {
    Gender.WOMEN: "women|woman|womens|womans|ladies|lady|female|girlfriend|wife|mother|mum|mom|her",
    Gender.MEN: "men|man|mens|mans|gentlemen|gentleman|male|boyfriend|husband|father|dad|him",
    Gender.KIDS: "kids?|child|children|childrens|toddlers?|boys?|girls?",
    Gender.UNISEX: "unisex",
}
# Words that mean a person only behind "for": "for her", and not "her style".
_ONLY_BEHIND_FOR = {"her", "him", "wife", "husband", "girlfriend", "boyfriend", "mother", "father", "mum", "mom", "dad"}
_NOT = r"(?P<no>\b(?:not|no|nothing)(?: (?:made|meant))? +)?"
_GENDERS = tuple(
    (gender, re.compile(rf"{_NOT}(?P<for>\bfor +)?(?:(?:my|a|the) +)?\b(?P<word>{words})(?:'s|s'|')?(?![\w'-])"))
    for gender, words in _WORDS.items()
)
# "Need not be in stock" asks for nothing; "not in stock" for what cannot be had at once.
_STOCK = re.compile(
    r"\b(?:(?:that|which) )?"
    r"(?P<open>(?:(?:need not|needn't|(?:do not|does not|don't|doesn't) (?:have|need) to)(?: be)? +"
    r"|(?:even if|no matter (?:if|whether)|whether or not|whether)(?: (?:it's|it is|they are|they're))? +)(?:not +)?)?"
    r"(?:(?:is|are) +)?(?P<no>(?:not|isn't|aren't|no longer|never)(?: (?:yet|now|currently))? +)?"
    r"(?:(?P<there>in stock|available(?: now)?|ready to ship)|sold out|out of stock|unavailable)"
    r"(?P<either> or not)?(?!\w)"
)
_THERE = (Availability.IN_STOCK, Availability.LOW_STOCK)
_GONE = (Availability.OUT_OF_STOCK, Availability.DISCONTINUED)
_NOT_THERE = (Availability.PREORDER, Availability.BACKORDER, *_GONE)
_LETTERS = {
    "extra small": "xs", "small": "s", "medium": "m", "large": "l", "extra large": "xl", "x large": "xl",
    "x-large": "xl", "xx-large": "xxl", "x-small": "xs",
}  # fmt: skip
_SPELT = "|".join(_LETTERS)
_ONE = rf"(?:(?:eu|uk|us) ?)?(?:{_SPELT}|one size|[a-z]?\d{{1,3}}(?:[.,]\d)?(?:[/ ]?l\d\d|/\d\d)?|\d?x{{0,3}}[sml])"
_AFTER = r"(?![\w'-])"
_LIST = rf"(?P<sizes>{_ONE}{_AFTER}(?: ?(?:,|/|\bor\b|\band\b) ?{_ONE}{_AFTER})*)"
_SIZES = (
    re.compile(rf"\b(?:in )?(?:a )?sizes?:? +{_LIST}"),
    re.compile(rf"\bin (?:a )?(?P<sizes>{_SPELT}|xxs|xs|s|m|l|xl|xxl|\dxl|\d{{2}}){_AFTER}"),
    re.compile(r"(?<![\w'/-])(?P<sizes>xxs|xs|xl|xxl|\dxl|one size|w\d\d ?/? ?l\d\d)(?![\w'/-])"),
)
_SEPARATORS = re.compile(r" ?(?:,|\bor\b|\band\b) ?")


def read_genders(text: str) -> Genders:
    """Reads for whom something shall be, or shall not be, out of a folded text."""
    wanted: dict[Gender, None] = {}
    unwanted: dict[Gender, None] = {}
    places: tuple[Spans, Spans] = ([], [])
    for gender, pattern in _GENDERS:
        for match in pattern.finditer(text):
            if match.group("word") in _ONLY_BEHIND_FOR and not match.group("for"):
                continue
            (unwanted if match.group("no") else wanted)[gender] = None
            places[bool(match.group("no"))].append(match.span())
    return Genders(tuple(wanted), places[0], tuple(unwanted), places[1])


@dataclass(frozen=True, slots=True)
class Stock:
    """What may be found, by whether it can be had: anything when empty; with the places of what asks for nothing."""

    wanted: tuple[Availability, ...]
    wanted_at: Spans
    open_at: Spans


def read_stock(text: str) -> Stock:
    """Reads out of a folded text whether something must be there at once; what was said last counts."""
    stock = Stock((), [], [])
    for match in _STOCK.finditer(text):
        if match.group("open") or match.group("either"):
            stock.open_at.append(match.span())
            continue
        stock.wanted_at.append(match.span())
        stock = replace(stock, wanted=_asked(there=bool(match.group("there")), no=bool(match.group("no"))))
    return stock


def _asked(*, there: bool, no: bool) -> tuple[Availability, ...]:
    if there:
        return _NOT_THERE if no else _THERE
    return _THERE if no else _GONE


def read_sizes(text: str, known: Collection[str]) -> tuple[tuple[str, ...], Spans]:
    """Reads sizes out of a folded text; only those that the catalogue has count.

    Args:
        text: For example `in size m or l`, `xl`, `in medium`, `size w32/l34`.
        known: Size keys.
    """
    sizes: dict[str, None] = {}
    spans: Spans = []
    for pattern in _SIZES:
        for match in pattern.finditer(text):
            found = _known_sizes(match.group("sizes"), known)
            if found and not any(start < match.end() and match.start() < end for start, end in spans):
                sizes |= dict.fromkeys(found)
                spans.append(match.span())
    return tuple(sizes), spans


def _known_sizes(listed: str, known: Collection[str]) -> list[str]:
    """Returns those of a list that the catalogue has: `m/l` is one size where it has such, and otherwise two."""
    found = []
    for item in _SEPARATORS.split(listed):
        whole = _known_size(item, known)
        parts = [whole] if whole else [_known_size(part, known) for part in item.split("/")]
        found += [part for part in parts if part]
    return found


def _known_size(item: str, known: Collection[str]) -> str | None:
    item = item.strip()
    bare = re.sub(r"^(?:eu|uk|us) ?", "", item)
    joined = re.sub(r"[ /]+(?=l\d)", "/", item)
    forms = (item, _LETTERS.get(item, ""), joined, joined.replace("/", " "), joined.replace("/", ""), bare)
    return next((form for form in forms if form and form in known), None)
