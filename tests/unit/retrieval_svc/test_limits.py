"""What a person avoids: excluded as it stands and in its shades, and not where the search names it itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from mesh.errors import InvalidInputError
from retrieval_svc.catalog.filters import Exclusions, ProductFilter
from retrieval_svc.catalog.money import Money, RateTable
from retrieval_svc.catalog.vocabulary import Gender
from retrieval_svc.search.limits import known_currency, shown_currency, within, without_effect
from retrieval_svc.search.query import Materials, PersonalContext, RankingOptions

pytestmark = pytest.mark.unit

WOMEN, MEN, UNISEX, KIDS = Gender.WOMEN, Gender.MEN, Gender.UNISEX, Gender.KIDS
ANY, NOBODY = ProductFilter(), PersonalContext()
BROWNS = ("brown", "taupe", "camel", "tan", "caramel", "cognac", "chocolate")


@pytest.mark.parametrize(
    ("person", "wanted", "left_out"),
    [
        pytest.param(NOBODY, ANY, Exclusions(), id="nothing avoided"),
        pytest.param(
            PersonalContext(avoided_brands=("Mare  Blu", "MARE blu")),
            ANY,
            Exclusions(brands=("mare blu",)),
            id="a brand",
        ),
        pytest.param(
            PersonalContext(avoided_brands=("Mare", "Kumo")),
            ProductFilter(brands=("mare",)),
            Exclusions(brands=("kumo",)),
            id="a brand that is asked for",
        ),
        pytest.param(
            PersonalContext(avoided_materials=("Wool",)), ANY, Exclusions(materials=("wool",)), id="a material"
        ),
        pytest.param(
            PersonalContext(avoided_materials=("wool",)),
            ProductFilter(materials=("wool",)),
            Exclusions(),
            id="a material that is asked for",
        ),
        pytest.param(PersonalContext(avoided_colors=("navy",)), ANY, Exclusions(colors=("navy",)), id="a shade"),
        pytest.param(PersonalContext(avoided_colors=("Brown",)), ANY, Exclusions(colors=BROWNS), id="a basic colour"),
        pytest.param(
            PersonalContext(avoided_colors=("maroon",)),
            ANY,
            Exclusions(colors=("maroon", "burgundy")),
            id="another name",
        ),
        pytest.param(
            PersonalContext(avoided_colors=("brown",)),
            ProductFilter(colors=("camel",)),
            Exclusions(colors=tuple(name for name in BROWNS if name != "camel")),
            id="a shade of it is asked for",
        ),
        pytest.param(
            PersonalContext(departments=("men",)), ANY, Exclusions(genders=(WOMEN, KIDS)), id="men, and unisex"
        ),
        pytest.param(
            PersonalContext(departments=("women", "kids")), ANY, Exclusions(genders=(MEN,)), id="women and children"
        ),
        pytest.param(
            PersonalContext(departments=("unisex",)), ANY, Exclusions(genders=(WOMEN, MEN, KIDS)), id="unisex alone"
        ),
        pytest.param(
            PersonalContext(departments=("men",)),
            ProductFilter(genders=(WOMEN,)),
            Exclusions(),
            id="a gender is asked for",
        ),
        pytest.param(
            PersonalContext(avoided_colors=("navy",)),
            ProductFilter(exclusions=Exclusions(colors=("red",))),
            Exclusions(colors=("red", "navy")),
            id="beside what the search excludes",
        ),
    ],
)
def test_what_a_person_avoids_is_left_out(person: PersonalContext, wanted: ProductFilter, left_out: Exclusions) -> None:
    assert within(wanted, person) == replace(wanted, exclusions=left_out)


WOOLS = frozenset({"merino wool", "wool blend", "silk"})


@pytest.mark.parametrize(
    ("named", "left_out"),
    [
        pytest.param((), ("wool", "merino wool", "wool blend"), id="in the words of the shop"),
        pytest.param(("silk",), ("wool", "merino wool", "wool blend"), id="words that name another"),
        pytest.param(("wool",), (), id="words that name it"),
    ],
)
def test_materials_are_avoided_as_the_shop_calls_them(named: tuple[str, ...], left_out: tuple[str, ...]) -> None:
    person, materials = PersonalContext(avoided_materials=("Wool",)), Materials(WOOLS, named)
    assert within(ANY, person, materials).exclusions == Exclusions(materials=left_out)
    options = RankingOptions(context=person, materials=materials)
    assert without_effect(options)["avoided_materials"] == (not left_out)


ALL = PersonalContext(
    avoided_brands=("Mare",),
    avoided_colors=("navy",),
    avoided_materials=("wool",),
    departments=("men",),
    currency="SEK",
)


def test_what_has_no_effect_is_named() -> None:
    asked = ProductFilter(brands=("mare",), colors=("navy",), materials=("wool",), genders=(WOMEN,))
    names = ["avoided_brands", "avoided_colors", "avoided_materials", "departments", "currency_code"]
    assert without_effect(RankingOptions(context=ALL)) == dict.fromkeys(names, False)
    assert without_effect(RankingOptions(context=ALL, filter=asked, currency="EUR")) == dict.fromkeys(names, True)
    assert without_effect(RankingOptions()) == dict.fromkeys(names, False)
    everything = PersonalContext(departments=("women", "men", "unisex", "kids"))
    assert without_effect(RankingOptions(context=everything))["departments"]


@pytest.mark.parametrize(
    ("asked", "of_person", "budget", "currency"),
    [
        pytest.param("USD", "SEK", "GBP", "USD", id="the request's own"),
        pytest.param("", "SEK", "GBP", "SEK", id="the person's"),
        pytest.param("", "", "GBP", "GBP", id="the budget's"),
        pytest.param("", "", "", "EUR", id="none"),
    ],
)
def test_prices_are_shown_in(asked: str, of_person: str, budget: str, currency: str) -> None:
    context = PersonalContext(currency=of_person, budget=Money(budget, Decimal(5)) if budget else None)
    assert shown_currency(RankingOptions(context=context, currency=asked)) == currency


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (RankingOptions(currency="XTS", context=PersonalContext(currency="EUR")), "ranking.currency_code"),
        (RankingOptions(context=PersonalContext(currency="XTS")), "ranking.personal_context.currency_code"),
    ],
    ids=["request", "person"],
)
def test_a_currency_without_a_rate_is_refused_where_it_is_named(options: RankingOptions, field: str) -> None:
    rates = RateTable({}, dt.date(2026, 1, 1))
    with pytest.raises(InvalidInputError) as caught:
        known_currency(options, rates)
    assert (caught.value.reason, caught.value.violations[0].field) == ("CURRENCY_UNKNOWN", field)
