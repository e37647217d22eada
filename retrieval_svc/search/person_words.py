"""For whom, in which size, and whether at once: what a typed text says about the buyer and not about the garment."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

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
_STOCK = re.compile(
    r"\b(?:(?:that|which) (?:is|are) )?"
    r"(?:in stock|available(?: now)?|ready to ship|not (?:sold out|out of stock|unavailable))(?!\w)"
)
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


def read_stock(text: str) -> tuple[tuple[Availability, ...], Spans]:
    """Reads out of a folded text whether something must be there at once."""
    spans = [match.span() for match in _STOCK.finditer(text)]
    return ((Availability.IN_STOCK, Availability.LOW_STOCK) if spans else ()), spans


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
