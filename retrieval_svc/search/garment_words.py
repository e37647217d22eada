"""Garments in a typed text, and what describes them: brands, colours, patterns and categories that are wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.patterns import PATTERN_GROUPS
from retrieval_svc.catalog.vocabulary import Bucket, bucket_of
from retrieval_svc.search.naming import GROUPS, Found, ShopWords, buckets_in, found_in, general_bucket
from retrieval_svc.search.typed_text import blanked

# What follows describes the garment, and is none itself, up to a comma or to "in": "coat with a belt in navy".
_END = r"[^,;\0]*?(?= in\b|[,;\0]|$)"
_DETAIL = re.compile(rf"\b(?:with|for|over|under|to wear|like)\b{_END}")
_WITH = re.compile(rf"\bwith\b{_END}")
_JOINERS = re.compile(r"[,/]|\band\b|\bor\b")
# Brands that are everyday words count only where they are introduced as brands.
_EVERYDAY = frozenset({"only", "next", "every", "other", "free", "new", "best", "all", "one", "simply", "just", "any"})
_INTRODUCED = re.compile(r"\b(?:by|from|brand) +$")


@dataclass(frozen=True, slots=True)
class Garments:
    """What was read.

    Attributes:
        filter: Brands, colours, patterns, and categories or buckets.
        buckets: The buckets of the garments.
        names: Categories and colours as they were named, without all that these words take in.
        places: Field, start and end of each part.
    """

    filter: ProductFilter
    buckets: frozenset[Bucket]
    names: tuple[str, ...]
    places: tuple[tuple[str, int, int], ...]


def read_garments(text: str, known: ShopWords) -> Garments:
    """Reads what garments are wanted; of several in a row the last one is meant ("shirt dress").

    Args:
        text: Folded; what is not wanted is blanked out.
        known: The words of the catalogue.
    """
    brands = [place for place in known.find(text, "brands") if _is_brand(text, place, known)]
    text = _blanked(text, brands)
    patterns = _patterns(text, known)
    text = _blanked(_without_details(text), patterns)
    colors = known.find(text, "colors")
    categories, buckets = _nouns(text, known)
    named = {"brands": brands, "colors": colors, "patterns": patterns, "categories": categories, "buckets": buckets}
    wanted = ProductFilter(
        brands=_values(brands),
        colors=_meant("colors", colors, known),
        patterns=tuple(dict.fromkeys(name for word in _values(patterns) for name in PATTERN_GROUPS.get(word, (word,)))),
        categories=_meant("categories", categories, known),
        buckets=tuple(Bucket(int(value)) for value in _values(buckets)),
    )
    heads = {bucket_of(value) for value in wanted.categories} | set(wanted.buckets)
    places = tuple((name, start, end) for name, found in named.items() for _, start, end in found)
    return Garments(wanted, frozenset(heads), (*_values(categories), *_values(colors)), places)


def _values(found: Iterable[Found]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value, _, _ in found))


def _meant(name: str, found: Iterable[Found], known: ShopWords) -> tuple[str, ...]:
    return tuple(dict.fromkeys(meant for value in _values(found) for meant in known.meant(name, value)))


def _blanked(text: str, found: Iterable[Found]) -> str:
    return blanked(text, ((start, end) for _, start, end in found))


def _is_brand(text: str, place: Found, known: ShopWords) -> bool:
    """A brand that is called like a colour, a pattern or a garment is none here, nor is an everyday word."""
    brand, start, end = place
    others = (known.find(text[start:end], name) for name in ("colors", "categories", "patterns"))
    if any(value == brand or (found, stop) == (0, end - start) for other in others for value, found, stop in other):
        return False
    return brand not in _EVERYDAY or _INTRODUCED.search(text[:start]) is not None


def _patterns(text: str, known: ShopWords) -> list[Found]:
    """Finds patterns, also where they are details ("with stripes"), but not those of another garment."""
    others = [match.span() for match in _DETAIL.finditer(text) if not _describes(match, known)]
    shown = blanked(text, others)
    found = known.find(shown, "patterns")
    taken = {start for _, start, _ in found}
    groups = [place for place in found_in(shown, GROUPS, known.corrected) if known.patterns and place[1] not in taken]
    # "Floral print" is one pattern, and "printed" beside another one says nothing more.
    return found or groups


def _describes(detail: re.Match[str], known: ShopWords) -> bool:
    text = detail.group()
    return _WITH.fullmatch(text) is not None and not known.find(text, "categories") and not buckets_in(text)


def _without_details(text: str) -> str:
    """Leaves out details, but for one that a text begins with: "for the summer a red dress" is not all detail."""
    details = [match.span() for match in _DETAIL.finditer(text)]
    if details and not text[: details[0][0]].strip(" \0.,;:"):
        details = details[1:]
    return blanked(text, details)


def _nouns(text: str, known: ShopWords) -> tuple[list[Found], list[Found]]:
    """Finds categories, or where none is named buckets; one in each part of a list."""
    categories: list[Found] = []
    buckets: list[Found] = []
    begin = 0
    for joiner in [*_JOINERS.finditer(text), None]:
        until = joiner.start() if joiner else len(text)
        category, bucket = _noun(text[begin:until], known)
        categories += [(value, begin + start, begin + end) for value, start, end in category]
        buckets += [(value, begin + start, begin + end) for value, start, end in bucket]
        begin = joiner.end() if joiner else until
    if categories and buckets:
        return _joined(categories, buckets)
    return categories, buckets


def _noun(part: str, known: ShopWords) -> tuple[list[Found], list[Found]]:
    words = [(str(int(bucket)), start, end) for bucket, start, end in buckets_in(part)][-1:]
    found = known.find(part, "categories")[-1:]
    if found and not (words and words[0][1] > found[0][2]) and not general_bucket(part[found[0][1] : found[0][2]]):
        return found, []
    return ([], words) if words else (found, [])


def _joined(categories: list[Found], buckets: list[Found]) -> tuple[list[Found], list[Found]]:
    """Asks for the buckets of both ("boots or shoes"): categories and buckets would have to hold together."""
    own = [(str(int(bucket_of(value))), start, end) for value, start, end in categories if bucket_of(value)]
    return ([], [*own, *buckets]) if len(own) == len(categories) else (categories, [])
