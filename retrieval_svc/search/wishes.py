"""What people type becomes filters: "navy striped shirt under 50 EUR" is a shirt, navy, of at most 50 euros.

Only words that the catalogue itself uses become filters, so that a word that no product has excludes nothing; all words
but those of prices, sizes, stock and gender stay in the text that is compared, and where the catalogue has another name
for something ("handbag" is a bag there), that one is added.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.vocabulary import Availability, Bucket, Gender
from retrieval_svc.search.naming import CATEGORY_NAMES, COLOR_NAMES, WORD, bucket_of_word, singular, words_of
from retrieval_svc.search.price_words import read_prices


@dataclass(frozen=True, slots=True)
class ShopWords:
    """The words of a catalogue, as keys.

    Attributes:
        brands: Brands.
        categories: Categories.
        colors: Colour names.
        sizes: Sizes.
    """

    brands: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    colors: frozenset[str] = frozenset()
    sizes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of a text, and the field of the filter (or `budget`) that it was taken for."""

    text: str
    field: str
    start: int = 0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was read out of a text.

    Attributes:
        filter: The filter.
        budget: What the user wants to spend, about.
        phrases: What was understood, in the order of the text.
        rest: The words that are left to compare.
        dropped: Fields of the filter that were given up.
    """

    filter: ProductFilter = field(default_factory=ProductFilter)
    budget: Money | None = None
    phrases: tuple[Phrase, ...] = ()
    rest: str = ""
    dropped: tuple[str, ...] = ()

    def beside(self, stated: ProductFilter, budget: Money | None) -> Wishes:
        """Returns the wishes without what the request states itself."""
        fields = ("brands", "categories", "genders", "colors", "sizes", "availabilities", "buckets")
        taken = {name: () for name in fields if getattr(stated, name)}
        if stated.categories or stated.buckets:
            taken |= {"categories": (), "buckets": ()}
        wanted = replace(self.filter, **taken)  # type: ignore[arg-type]
        if stated.max_price or stated.min_price:
            wanted = replace(wanted, max_price=None, min_price=None)
        return replace(self, filter=wanted, budget=None if budget else self.budget)

    def without(self, name: str) -> Wishes:
        """Returns the wishes with one field given up."""
        return replace(self, filter=replace(self.filter, **{name: ()}), dropped=(*self.dropped, name))  # type: ignore[arg-type]

    def added_to(self, stated: ProductFilter) -> ProductFilter:
        """Returns the filter of the request with these wishes; see `beside`."""
        own = self.filter
        return replace(
            stated,
            brands=stated.brands or own.brands,
            categories=stated.categories or own.categories,
            buckets=stated.buckets or own.buckets,
            genders=stated.genders or own.genders,
            colors=stated.colors or own.colors,
            sizes=stated.sizes or own.sizes,
            availabilities=stated.availabilities or own.availabilities,
            min_price=stated.min_price or own.min_price,
            max_price=stated.max_price or own.max_price,
        )


_GENDERS = (
    (re.compile(r"\b(?:for )?(?:women|woman|ladies|lady|girlfriend)(?:'s|s'|')?(?=\s|$|,)"), Gender.WOMEN),
    (re.compile(r"\b(?:for )?(?:men|man|gentlemen|boyfriend)(?:'s|s'|')?(?=\s|$|,)"), Gender.MEN),
    (re.compile(r"\b(?:for )?(?:kids|children)(?:'s|')?(?=\s|$|,)"), Gender.KIDS),
    (re.compile(r"\bunisex\b"), Gender.UNISEX),
)
_STOCK = re.compile(r"\b(?:that (?:is|are) )?(?:in stock|available(?: now)?|ready to ship)\b")
_SIZE = re.compile(
    r"\b(?:in )?size ([a-z0-9/.-]+)|\bin (xxs|xs|s|m|l|xl|xxl|3xl|\d{2})(?=\s|$|,)|\b(xxs|xs|xl|xxl|3xl)\b"
)
# What follows describes the garment, and is none itself: "coat with a belt".
_DETAILS = re.compile(r"\b(?:with|without|for|over|under|to wear|like|no|not)\b")
_JOINERS = re.compile(r",|\band\b|\bor\b|/")


def read_wishes(text: str, known: ShopWords, currency: str, knows_currency: Callable[[str], bool]) -> Wishes:
    """Reads filters out of a text.

    Args:
        text: What was typed, in English.
        known: The words of the catalogue.
        currency: What an amount without a currency is in.
        knows_currency: Tells whether there is a rate.
    """
    left = text.replace("\u2019", "'").lower()
    if len(left) != len(text):  # a letter that lower case makes longer: places would not fit any more
        return Wishes(rest=text)
    prices = read_prices(left, currency, knows_currency)
    phrases = [Phrase(text[start:end], name, start) for name, start, end in prices.places]
    left = _blanked(left, ((start, end) for _, start, end in prices.places))
    wanted = ProductFilter(min_price=prices.least, max_price=prices.most)
    for name, values, spans in (_genders(left), _stock(left), _sizes(left, known)):
        wanted = replace(wanted, **{name: values})  # type: ignore[arg-type]
        phrases += [Phrase(text[start:end].strip(), name, start) for start, end in spans]
        left = _blanked(left, spans)
    rest = " ".join(word for word in _restored(text, left).split())
    named, found = _named(left, known)
    wanted = replace(wanted, **named)  # type: ignore[arg-type]
    phrases += [Phrase(text[start:end], name, start) for name, start, end in found]
    ordered = tuple(sorted(phrases, key=lambda phrase: phrase.start))
    there = f" {' '.join(singular(word) for word in WORD.findall(left))} "
    ours = [
        name
        for name in (*wanted.categories, *wanted.colors)
        if f" {' '.join(singular(word) for word in name.split())} " not in there
    ]
    return Wishes(wanted, prices.about, ordered, " ".join([rest or text, *ours]))


Spans = list[tuple[int, int]]


def _genders(text: str) -> tuple[str, tuple[Gender, ...], Spans]:
    found = [(gender, match.span()) for pattern, gender in _GENDERS for match in pattern.finditer(text)]
    return "genders", tuple(dict.fromkeys(gender for gender, _ in found)), [span for _, span in found]


def _stock(text: str) -> tuple[str, tuple[Availability, ...], Spans]:
    spans = [match.span() for match in _STOCK.finditer(text)]
    return "availabilities", (Availability.IN_STOCK, Availability.LOW_STOCK) if spans else (), spans


def _sizes(text: str, known: ShopWords) -> tuple[str, tuple[str, ...], Spans]:
    found = []
    for match in _SIZE.finditer(text):
        size = next(group for group in match.groups() if group)
        if size in known.sizes:
            found.append((size, match.span()))
    return "sizes", tuple(dict.fromkeys(size for size, _ in found)), [span for _, span in found]


def _named(text: str, known: ShopWords) -> tuple[dict[str, tuple[object, ...]], list[tuple[str, int, int]]]:
    """Finds brands, colours and categories; of several garments in a row the last one is meant ("shirt dress")."""
    places: list[tuple[str, int, int]] = []
    values: dict[str, list[str]] = {"brands": [], "colors": [], "categories": [], "buckets": []}
    brands, before_details = words_of(text, known.brands - known.colors - known.categories, {}), _before_details(text)
    for value, start, end in brands:
        values["brands"].append(value)
        places.append(("brands", start, end))
    left = _blanked(before_details, ((start, end) for _, start, end in brands))
    for value, start, end in words_of(left, known.colors, COLOR_NAMES):
        values["colors"].append(value)
        places.append(("colors", start, end))
    begin = 0
    for joiner in [*_JOINERS.finditer(left), None]:
        until = joiner.start() if joiner else len(left)
        for name, value, start, end in _garment(left[begin:until], known):
            values[name].append(value)
            places.append((name, begin + start, begin + end))
        begin = joiner.end() if joiner else until
    named: dict[str, tuple[object, ...]] = {
        name: tuple(dict.fromkeys(found)) for name, found in values.items() if name != "buckets"
    }
    buckets = tuple(dict.fromkeys(Bucket(int(value)) for value in values["buckets"]))
    named["buckets"] = () if named["categories"] else buckets
    kept = [place for place in places if place[0] != "buckets" or named["buckets"]]
    return named, kept


def _garment(segment: str, known: ShopWords) -> list[tuple[str, str, int, int]]:
    found = words_of(segment, known.categories, CATEGORY_NAMES)
    if found:
        value, start, end = found[-1]
        return [("categories", value, start, end)]
    places = [(bucket_of_word(match.group()), match.start(), match.end()) for match in WORD.finditer(segment)]
    return [("buckets", str(int(bucket)), start, end) for bucket, start, end in places if bucket][-1:]


def _before_details(text: str) -> str:
    match = _DETAILS.search(text)
    return text if match is None else text[: match.start()] + " " * (len(text) - match.start())


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _restored(text: str, left: str) -> str:
    """The text as it was typed, where it is not blanked out."""
    return "".join(old if new != " " else " " for old, new in zip(text, left, strict=True))
