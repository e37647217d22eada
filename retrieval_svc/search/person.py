"""The terms that know the person: sizes and colour season, as values for people and as expressions for the engine.

Colour seasons follow the usual scheme (spring: warm and light; summer: cool and light; autumn: warm and deep; winter:
cool and deep or bright), by names of colours, as a shop states them: a convention of stylists, and no measurement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qdrant_client import models

from retrieval_svc.catalog.vocabulary import key, parse_bucket

# Neither for nor against.
UNKNOWN = 0.5
ONE_SIZE = "one size"

_SEASONS: Mapping[str, frozenset[str]] = {
    name: frozenset(color.strip() for color in colors.split(","))
    for name, colors in {
        "spring": "cream, beige, camel, tan, peach, coral, orange, yellow, mint, turquoise, sky blue, light blue,"
        "green, hot pink, light pink, red, off-white, cognac",
        "summer": "light grey, grey, off-white, stone, light blue, sky blue, lavender, light pink, pink, dusty pink,"
        "sage, teal, denim blue, plum, taupe, navy, mint, burgundy",
        "autumn": "brown, chocolate, camel, cognac, tan, khaki, olive, forest green, sage, rust, terracotta, mustard,"
        "cream, beige, orange, teal, burgundy, taupe, gold",
        "winter": "black, white, charcoal, grey, navy, blue, royal blue, red, burgundy, hot pink, purple, emerald,"
        "plum, forest green, turquoise, silver, light grey",
    }.items()
}
# The kinds of a season leave out what is too deep, too light or too loud for them.
_DEEP = frozenset({"black", "charcoal", "chocolate", "navy", "burgundy", "plum", "forest green", "brown", "purple"})
_LIGHT = frozenset({"white", "off-white", "cream", "light grey", "light blue", "light pink", "peach", "mint", "stone"})
_LOUD = frozenset(
    {"hot pink", "orange", "coral", "yellow", "turquoise", "royal blue", "emerald", "red", "blue", "green"}
)
_DULL = frozenset({"stone", "taupe", "sage", "dusty pink", "beige"})
_KINDS: Mapping[str, frozenset[str]] = {
    "light": _DEEP, "dark": _LIGHT - {"white"}, "deep": _LIGHT - {"white"}, "soft": _LOUD, "muted": _LOUD,
    "bright": _DULL, "clear": _DULL,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """What the ranking knows about a person's body and colours.

    Attributes:
        sizes: Size key by bucket (its number).
        colors: Colour keys that suit the person; empty when the season is not known.
    """

    sizes: Mapping[int, str] = field(default_factory=dict)
    colors: frozenset[str] = frozenset()


def person_of(sizes: Mapping[str, str], color_season: str) -> Person:
    """Reads a person from a context; what is not known is left out.

    Args:
        sizes: Size by bucket: `top` to `M`.
        color_season: For example `dark winter`.
    """
    stated = {parse_bucket(name): key(size) for name, size in sizes.items()}
    return Person(
        {int(bucket): size for bucket, size in stated.items() if bucket and size}, season_colors(color_season)
    )


def season_colors(color_season: str) -> frozenset[str]:
    """Returns the colours of a season, with its kind where that is known; empty for what is no season."""
    words = key(color_season.replace("_", " ").replace("-", " ")).split()
    family = next((word for word in words if word in _SEASONS), None)
    if family is None:
        return frozenset()
    colors = _SEASONS[family]
    for word in words:
        colors -= _KINDS.get(word, frozenset())
    return colors


def size_value(person: Person, bucket: int, sizes: Sequence[str]) -> float:
    """Returns 1 for a product in the person's size, 0 for one in others only, and `UNKNOWN` otherwise."""
    wanted = person.sizes.get(bucket)
    if wanted is None or not sizes:
        return UNKNOWN
    return float(wanted in sizes or ONE_SIZE in sizes)


def season_value(person: Person, colors: Sequence[str]) -> float:
    """Returns 1 for a product with a colour that suits the person, 0 for one without, `UNKNOWN` for no colours."""
    if not colors:
        return UNKNOWN
    return float(not person.colors.isdisjoint(colors))


def size_expression(person: Person) -> models.Expression:
    """Returns `size_value` for the engine.

    With b = 1 in a bucket whose size is known: 0.5 + sum of b * (fits + 0.5 * no sizes - 0.5).
    """
    parts: list[models.Expression] = [UNKNOWN]
    for bucket, size in sorted(person.sizes.items()):
        there = models.FieldCondition(key="bucket", match=models.MatchValue(value=bucket))
        fits = models.FieldCondition(key="sizes", match=models.MatchAny(any=[size, ONE_SIZE]))
        known: models.Expression = models.SumExpression(sum=[fits, _unknown_if_empty("sizes"), -UNKNOWN])
        parts.append(models.MultExpression(mult=[there, known]))
    return models.SumExpression(sum=parts)


def season_expression(person: Person) -> models.Expression:
    """Returns `season_value` for the engine."""
    suits = models.FieldCondition(key="colors", match=models.MatchAny(any=sorted(person.colors)))
    return models.SumExpression(sum=[suits, _unknown_if_empty("colors")])


def _unknown_if_empty(name: str) -> models.Expression:
    empty = models.IsEmptyCondition(is_empty=models.PayloadField(key=name))
    return models.MultExpression(mult=[UNKNOWN, empty])
