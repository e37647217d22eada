"""What a person does not want to see, out of a search that does not name it; and the currency they see prices in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mesh.errors import InvalidInputError
from retrieval_svc.catalog.filters import Exclusions, ProductFilter
from retrieval_svc.catalog.money import EURO, RateTable
from retrieval_svc.catalog.vocabulary import Gender, key
from retrieval_svc.search.color_words import COLOR_NAMES, FAMILIES
from retrieval_svc.search.material_words import avoided_materials
from retrieval_svc.search.query import Materials, PersonalContext, RankingOptions

_ALL = tuple(gender for gender in Gender if gender is not Gender.UNSPECIFIED)


def within(wanted: ProductFilter, person: PersonalContext, materials: Materials | None = None) -> ProductFilter:
    """Returns a filter that also leaves out what a person avoids.

    Args:
        wanted: What the search asks for, with what was read out of its words. What it names is not left out.
        person: What is known about the person.
        materials: What the shop has, and the words of the search name.
    """
    own = _unwanted(wanted, person, materials or Materials())
    return replace(wanted, exclusions=wanted.exclusions.joined(own))


def without_effect(options: RankingOptions) -> dict[str, bool]:
    """Tells of each part of a context that leaves something out, or names a currency, whether it has no influence.

    Args:
        options: How to rank, with what was read out of words.
    """
    person, own = options.context, _unwanted(options.filter, options.context, options.materials)
    return {
        "avoided_brands": bool(person.avoided_brands) and not own.brands,
        "avoided_colors": bool(person.avoided_colors) and not own.colors,
        "avoided_materials": bool(person.avoided_materials) and not own.materials,
        "departments": bool(person.departments) and not own.genders,
        "currency_code": bool(person.currency and options.currency),
    }


def shown_currency(options: RankingOptions) -> str:
    """Returns the currency that prices are converted to."""
    budget = options.budget or options.context.budget
    return options.currency or options.context.currency or (budget.currency if budget else EURO)


def known_currency(options: RankingOptions, rates: RateTable) -> str:
    """Returns `shown_currency`, of which there is a rate.

    Raises:
        InvalidInputError: CURRENCY_UNKNOWN.
    """
    currency = shown_currency(options)
    if not rates.knows(currency):
        of_person = options.context.currency and not options.currency
        field = "ranking.personal_context.currency_code" if of_person else "ranking.currency_code"
        text = f"no exchange rate is known for {currency!r}"
        raise InvalidInputError.of(field, text, "CURRENCY_UNKNOWN", currency=currency)
    return currency


def _unwanted(wanted: ProductFilter, person: PersonalContext, materials: Materials) -> Exclusions:
    colors = (shade for name in person.avoided_colors for shade in _shades(key(name)))
    return Exclusions(
        brands=_beside(map(key, person.avoided_brands), wanted.brands),
        genders=() if wanted.genders else _other_genders(person.departments),
        colors=_beside(colors, wanted.colors),
        materials=avoided_materials(person.avoided_materials, materials.shop, (*wanted.materials, *materials.named)),
    )


def _beside(avoided: Iterable[str], wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in dict.fromkeys(avoided) if word not in wanted)


def _other_genders(departments: tuple[str, ...]) -> tuple[Gender, ...]:
    """By exclusion, so that what states no gender stays: a shop that never states one would be empty otherwise."""
    if not departments:
        return ()
    wanted = {Gender[name.upper()] for name in departments}
    if wanted & {Gender.WOMEN, Gender.MEN}:
        wanted.add(Gender.UNISEX)
    return tuple(gender for gender in _ALL if gender not in wanted)


def _shades(color: str) -> tuple[str, ...]:
    """Returns a colour as it is written, the nearest of our names, and its shades: not blue is not navy either."""
    nearest = COLOR_NAMES.get(color, ())[:1]
    return (color, *nearest, *FAMILIES.get(color, ()), *(shade for name in nearest for shade in FAMILIES.get(name, ())))
