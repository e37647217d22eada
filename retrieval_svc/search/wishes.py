"""What people type becomes filters: "navy striped shirt under 50 EUR" is a shirt, navy, of at most 50 euros.

Only words that the catalogue itself uses become filters, so that a word that no product has excludes nothing; all words
but those of prices, sizes, stock and gender stay in the text that is compared, and where the catalogue has another name
for something ("handbag" is a bag there), that one is added.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from retrieval_svc.catalog.filters import Exclusions, ProductFilter
from retrieval_svc.catalog.money import Money
from retrieval_svc.search.garment_words import read_garments
from retrieval_svc.search.naming import ShopWords, also_compared
from retrieval_svc.search.negations import find_negations, resolve
from retrieval_svc.search.person_words import read_genders, read_sizes, read_stock
from retrieval_svc.search.price_words import read_prices
from retrieval_svc.search.typed_text import blanked, folded, remaining, singular, tokens_of

# Fields of the filter that a text fills and that a request may state itself.
_FIELDS = (
    "brands", "categories", "buckets", "genders", "colors", "patterns", "sizes", "availabilities", "min_price",
    "max_price",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of a text, and what it was taken for: a path in the filter, `budget`, or nothing that filters."""

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
        materials: Materials that are named; no filter, but the person who avoids them wants them here.
    """

    filter: ProductFilter = field(default_factory=ProductFilter)
    budget: Money | None = None
    phrases: tuple[Phrase, ...] = ()
    rest: str = ""
    dropped: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()

    def beside(self, stated: ProductFilter, budget: Money | None) -> Wishes:
        """Returns the wishes without what the request states itself."""
        taken = {name: () for name in _FIELDS[:-2] if getattr(stated, name)}
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
        joined = {name: getattr(stated, name) or getattr(own, name) for name in _FIELDS}
        return replace(stated, **joined, exclusions=stated.exclusions.joined(own.exclusions))


def read_wishes(text: str, known: ShopWords, currency: str, knows_currency: Callable[[str], bool]) -> Wishes:
    """Reads filters out of a text.

    Args:
        text: What was typed, in English.
        known: The words of the catalogue.
        currency: What an amount without a currency is in.
        knows_currency: Tells whether there is a rate.
    """
    left = folded(text)
    prices = read_prices(left, text, currency, knows_currency)
    left = _without(left, prices.places)
    genders = read_genders(left)
    left = blanked(left, (*genders.wanted_at, *genders.unwanted_at))
    stock, (sizes, sizes_at) = read_stock(left), read_sizes(left, known.sizes)
    left = blanked(left, (*stock.wanted_at, *stock.open_at, *sizes_at))
    negations = find_negations(left, known)
    left = blanked(left, ((negation.start, negation.end) for negation in negations))
    garments = read_garments(left, known)
    unwanted = resolve(negations, garments.buckets, known)
    wanted = replace(
        garments.filter,
        genders=genders.wanted,
        availabilities=stock.wanted,
        sizes=sizes,
        min_price=prices.least,
        max_price=prices.most,
        # "Patterned, but no stripes" wants the other patterns.
        patterns=tuple(name for name in garments.filter.patterns if name not in unwanted.exclusions.patterns),
        exclusions=unwanted.exclusions.joined(Exclusions(genders=genders.unwanted)),
    )
    spans = (
        ("genders", genders.wanted_at), ("exclusions.genders", genders.unwanted_at),
        ("availabilities", stock.wanted_at), ("", stock.open_at), ("sizes", sizes_at),
    )  # fmt: skip
    places = [(name, start, end) for name, found in spans for start, end in found]
    places += [*prices.places, *garments.places, *unwanted.places]
    phrases = (Phrase(text[start:end].strip(), name, start) for name, start, end in places)
    ordered = tuple(sorted(phrases, key=lambda phrase: phrase.start))
    materials = tuple(value for value, _, _ in known.find(left, "materials"))
    rest = _compared(text, left, garments.names, known)
    return Wishes(wanted, prices.about, ordered, rest, materials=materials)


async def relaxed(wishes: Wishes, there_is: Callable[[Wishes], Awaitable[bool]]) -> Wishes:
    """Gives up as few of sizes, patterns and colours as it takes for a product to be left; nothing, if that is in vain.

    Args:
        wishes: What was read.
        there_is: Tells whether any product has all of it.
    """
    fields = [name for name in ("sizes", "patterns", "colors") if getattr(wishes.filter, name)]
    if not fields or await there_is(wishes):
        return wishes
    for count in range(1, len(fields) + 1):
        for names in itertools.combinations(fields, count):
            weaker = functools.reduce(Wishes.without, names, wishes)
            if await there_is(weaker):
                return weaker
    return wishes


def _without(text: str, places: Iterable[tuple[str, int, int]]) -> str:
    return blanked(text, ((start, end) for _, start, end in places))


def _compared(text: str, left: str, names: Iterable[str], known: ShopWords) -> str:
    """Returns the words that are left to compare, with the catalogue's own names for what was called otherwise.

    What is not wanted is not among them: it would draw near what it shall keep away.
    """
    words = [known.corrected.get(word.lower(), word) for word in remaining(text, left).split()]
    there = f" {' '.join(singular(token) for word in words for token in tokens_of(word))} "
    ours = [*names, *also_compared(left, known.corrected)]
    added = [name for name in ours if f" {' '.join(singular(token) for token in tokens_of(name))} " not in there]
    return " ".join([*words, *dict.fromkeys(added)])
