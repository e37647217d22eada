"""Forty more texts, written blind: what shoppers type, by somebody who had not seen how texts are read.

How it came to be: the table of `_search_queries.py` was adapted to the reader of texts after its first results, so it
guards but does not measure. This one was written by a helper that had read the contract of products, the demo
catalogue and the bench's way of asking, but neither `retrieval_svc/search`, nor its tests and documentation, nor the
queries of the other table. Texts and answers were committed before the first run; the history shows it.

The rule: nothing in `BLIND` may be changed after the first results, not a text and not an answer, also where the answer
turns out to be debatable. Who wants to measure again after the reader was mended writes a whole new table beside it.

How it is judged: a query is `right` when its first answer, and as many of the first five as the shop could fill (all
five, or as many as it has that fit exactly), have the category and one of the colours that were meant. `exact` is
stricter and also wants the main colour, pattern, kind, occasion, size, gender and budget. A basic colour word ("blue")
means all its shades, a shade ("navy") itself. Budgets were chosen so that no candidate in a foreign currency lies
within 5 % of one, at the rates at which the demo shop made its prices, so that no table of rates decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from vitrine.retrieval.v1 import product_pb2, search_service_pb2

TOP = 5
Ask = Callable[[str], Awaitable[search_service_pb2.SearchProductsResponse]]

_BLUE = ("blue", "navy", "royal blue", "denim blue", "light blue", "sky blue")
_BROWN = ("brown", "chocolate", "cognac", "tan")
_GREEN = ("green", "emerald", "forest green", "olive", "sage", "mint")
_GREY = ("grey", "light grey", "charcoal")
_PINK = ("pink", "light pink", "hot pink", "dusty pink")
_WOMEN = (product_pb2.GENDER_WOMEN, product_pb2.GENDER_UNISEX)
_MEN = (product_pb2.GENDER_MEN, product_pb2.GENDER_UNISEX)
_WARM = (
    "sweater", "cardigan", "coat", "jacket", "vest", "scarf", "headwear", "boots", "longsleeve", "shirt", "dress",
)  # fmt: skip
_INTERVIEW = (
    "blazer", "shirt", "blouse", "trousers", "skirt", "shoes", "dress", "vest", "heels", "coat", "jumpsuit", "bag",
)  # fmt: skip
_BEACH = ("shorts", "sandals", "shirt", "hat", "dress", "tank top", "t-shirt", "cap")
# Units of a currency for one euro at which the demo shop priced its goods (`retrieval_svc/catalog/demo/offers.py`).
_RATES = {"EUR": 1.0, "USD": 1.1, "GBP": 0.86, "SEK": 11.2, "JPY": 162.0, "CHF": 0.95, "DKK": 7.46, "PLN": 4.3}


@dataclass(frozen=True, slots=True)
class BlindQuery:
    """A text and what it means; what is left empty may be anything.

    Attributes:
        text: As typed.
        categories: Any of them.
        colors: Any of them.
        not_colors: None of them.
        patterns: Any of them.
        words: Any of them stands in the title; for kinds that are finer than a category.
        tags: Any of them.
        sizes: Any of them.
        genders: Any of them.
        euros: Least and greatest price.
    """

    text: str
    categories: tuple[str, ...]
    colors: tuple[str, ...] = ()
    not_colors: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    genders: tuple[product_pb2.Gender.ValueType, ...] = ()
    euros: tuple[float, float] = (0.0, inf)


BLIND = (
    BlindQuery("navy suede belt", ("belt",), ("navy",), words=("suede",)),
    BlindQuery("womens black trench", ("coat",), ("black",), words=("trench",), genders=_WOMEN),
    BlindQuery("bucket hats in red or emerald", ("hat",), ("red", "emerald"), words=("bucket",)),
    BlindQuery("trainers in white", ("sneakers",), ("white",)),
    BlindQuery("mens polo with stripes", ("polo",), patterns=("striped",), genders=_MEN),
    BlindQuery("pink jumper", ("sweater",), _PINK),
    BlindQuery("denim jackets under 60 euros", ("jacket",), words=("denim",), euros=(0, 60)),
    BlindQuery("polka dot blouse", ("blouse",), patterns=("dotted",)),
    BlindQuery("floral summer dresses", ("dress",), patterns=("floral",)),
    BlindQuery("pinstripe pants for work", ("trousers",), patterns=("striped",)),
    BlindQuery("red woolly hat", ("headwear",), ("red",)),
    BlindQuery("green leggins", ("leggings",), _GREEN),
    BlindQuery("sweat shirt in khaki", ("sweatshirt",), ("khaki",)),
    BlindQuery("yellow hoody", ("hoodie",), ("yellow", "mustard")),
    BlindQuery("gray overcoat", ("coat",), _GREY),
    BlindQuery("something warm for the winter", _WARM, tags=("winter",)),
    BlindQuery("outfit for a job interview", _INTERVIEW, tags=("office", "formal")),
    BlindQuery("beach holiday", _BEACH, tags=("summer", "holiday")),
    BlindQuery("jeans, anything but black", ("jeans",), not_colors=("black",)),
    BlindQuery("wool scarf, no stripes", ("scarf",), patterns=("plain", "checked", "dotted"), words=("wool",)),
    BlindQuery("dress without flowers", ("dress",), patterns=("plain", "striped", "checked", "dotted")),
    BlindQuery("long sleeve stripy top", ("longsleeve",), patterns=("striped",)),
    BlindQuery("cream cami for the evening", ("tank top",), ("cream", "off-white"), words=("camisole",)),
    BlindQuery("grey waistcoat for a wedding", ("vest",), ("grey",), words=("waistcoat",)),
    BlindQuery("brown leather ankle boots", ("boots",), _BROWN, words=("leather lace-up", "leather chelsea")),
    BlindQuery("smart brown shoes men", ("shoes",), _BROWN, genders=_MEN),
    BlindQuery("light blue jeans <65€", ("jeans",), ("light blue",), euros=(0, 65)),
    BlindQuery("striped tee $20 or less", ("t-shirt",), patterns=("striped",), euros=(0, 20 / _RATES["USD"])),
    BlindQuery("blouses under 30 quid", ("blouse",), euros=(0, 30 / _RATES["GBP"])),
    BlindQuery("backpack between 25 and 50 euro", ("bag",), words=("backpack",), euros=(25, 50)),
    BlindQuery("checkered skirt for the office", ("skirt",), patterns=("checked",)),
    BlindQuery("plaid flannel shirt for him", ("shirt",), patterns=("checked",), words=("flannel",), genders=_MEN),
    BlindQuery("sandals tan size 38", ("sandals",), ("tan",), sizes=("38",)),
    BlindQuery("jumpsuit, sage", ("jumpsuit",), ("sage",)),
    BlindQuery("cardigan with stripes", ("cardigan",), patterns=("striped",)),
    BlindQuery("blue dress for a garden party", ("dress",), _BLUE),
    BlindQuery("womens purple roll neck", ("longsleeve", "sweater"), ("purple", "plum"), words=("roll-neck",),
               genders=_WOMEN),
    BlindQuery("emerald green satin high heels", ("heels",), ("emerald",)),
    BlindQuery("shorts for running", ("shorts",), words=("sports",)),
    BlindQuery("burgandy blazer", ("blazer",), ("burgundy",)),
)  # fmt: skip


def fits(product: product_pb2.Product, wanted: BlindQuery) -> bool:
    """Whether a product has the category and a colour that were meant."""
    colors = {color.name.lower() for color in product.colors}
    return (
        product.category in wanted.categories
        and (not wanted.colors or bool(colors & set(wanted.colors)))
        and not colors & set(wanted.not_colors)
    )


def fits_exactly(product: product_pb2.Product, wanted: BlindQuery) -> bool:
    """Whether a product is all that was meant: also main colour, pattern, kind, occasion, size, gender, budget."""
    price = (product.price.units + product.price.nanos / 1e9) / _RATES[product.price.currency_code]
    return (
        fits(product, wanted)
        and (not wanted.colors or product.colors[0].name.lower() in wanted.colors)
        and (not wanted.patterns or product.pattern in wanted.patterns)
        and (not wanted.words or any(word in product.title.lower() for word in wanted.words))
        and (not wanted.tags or bool(set(product.tags) & set(wanted.tags)))
        and (not wanted.sizes or bool(set(product.sizes) & set(wanted.sizes)))
        and (not wanted.genders or product.gender in wanted.genders)
        and wanted.euros[0] <= price <= wanted.euros[1]
    )


async def blind_report(
    ask: Ask, products: Sequence[product_pb2.Product], table: Sequence[BlindQuery] = BLIND
) -> dict[str, Any]:
    """Asks every query.

    Args:
        ask: Searches for a text; at least five matches, where there are so many.
        products: The whole catalogue.
        table: The queries.

    Returns:
        `right` and `exact`: shares of queries, see above; `wrong` and `inexact`: the titles that came instead, by text.
    """
    missed: dict[str, dict[str, list[str]]] = {"wrong": {}, "inexact": {}}
    for wanted in table:
        found = [match.product for match in (await ask(wanted.text)).matches[:TOP]]
        possible = min(TOP, sum(fits_exactly(product, wanted) for product in products))
        for name, judge in (("wrong", fits), ("inexact", fits_exactly)):
            good = [judge(product, wanted) for product in found]
            if not possible or not found or not good[0] or sum(good) < possible:
                missed[name][wanted.text] = [product.title for product in found]
    shares = {"right": 1 - len(missed["wrong"]) / len(table), "exact": 1 - len(missed["inexact"]) / len(table)}
    return {name: round(value, 3) for name, value in shares.items()} | {"queries": len(table)} | missed
