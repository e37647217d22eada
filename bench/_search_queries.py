"""What people type, and what they mean: 40 texts with the category and the colour that the best answers must have.

Written by hand in the words that shoppers use, about things that the demo catalogue has. A product is right when its
category is one of the first and, where a colour is given, one of its colours is one of the second.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TypedQuery:
    """A text with the categories and colours that fit it; any colour does where `colors` is empty."""

    text: str
    categories: tuple[str, ...]
    colors: tuple[str, ...] = ()


QUERIES = (
    TypedQuery("navy striped shirt", ("shirt",), ("navy",)),
    TypedQuery("navy striped shirt under 200 EUR", ("shirt",), ("navy",)),
    TypedQuery("black blazer", ("blazer",), ("black",)),
    TypedQuery("teal t-shirt", ("t-shirt",), ("teal",)),
    TypedQuery("red dress", ("dress",), ("red",)),
    TypedQuery("dresses with flowers", ("dress",)),
    TypedQuery("black leather boots", ("boots",), ("black",)),
    TypedQuery("white sneakers", ("sneakers",), ("white",)),
    TypedQuery("light blue jeans", ("jeans",), ("light blue",)),
    TypedQuery("an olive coat", ("coat",), ("olive",)),
    TypedQuery("black coat", ("coat",), ("black",)),
    TypedQuery("yellow hoodie", ("hoodie",), ("yellow",)),
    TypedQuery("a warm wool sweater", ("sweater",)),
    TypedQuery("sky blue cardigan", ("cardigan",), ("sky blue",)),
    TypedQuery("women's blouse", ("blouse",)),
    TypedQuery("polo shirt", ("polo",)),
    TypedQuery("brown skirt", ("skirt",), ("brown",)),
    TypedQuery("pleated skirt", ("skirt",)),
    TypedQuery("leggings for running", ("leggings",)),
    TypedQuery("dusty pink shorts", ("shorts",), ("dusty pink",)),
    TypedQuery("men's shorts below 100 dollars", ("shorts",)),
    TypedQuery("navy belt", ("belt",), ("navy",)),
    TypedQuery("leather belt for men", ("belt",)),
    TypedQuery("brown leather bag", ("bag",), ("brown",)),
    TypedQuery("handbag", ("bag",)),
    TypedQuery("emerald cap", ("cap",), ("emerald",)),
    TypedQuery("straw hat for the summer", ("hat",)),
    TypedQuery("red scarf", ("scarf",), ("red",)),
    TypedQuery("high heels", ("heels",)),
    TypedQuery("white heels", ("heels",), ("white",)),
    TypedQuery("sandals in size 40", ("sandals",)),
    TypedQuery("trainers", ("sneakers",)),
    TypedQuery("navy blue trousers", ("trousers",), ("navy",)),
    TypedQuery("grey checked trousers", ("trousers",), ("grey",)),
    TypedQuery("denim jacket", ("jacket",)),
    TypedQuery("white jacket", ("jacket",), ("white",)),
    TypedQuery("jumpsuit around 120 euros", ("jumpsuit",)),
    TypedQuery("brown tank top", ("tank top",), ("brown",)),
    TypedQuery("navy sweatshirts", ("sweatshirt",), ("navy",)),
    TypedQuery("camel vest", ("vest",), ("camel",)),
)
