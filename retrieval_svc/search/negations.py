"""What a typed text does not want: "not black", "no stripes", "anything but jeans", "without a print"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from retrieval_svc.catalog.filters import Exclusions
from retrieval_svc.catalog.patterns import PATTERN_GROUPS
from retrieval_svc.catalog.vocabulary import Bucket, bucket_of
from retrieval_svc.search.color_words import shades
from retrieval_svc.search.material_words import made_of
from retrieval_svc.search.naming import GROUPS, ShopWords, buckets_in, found_in, general_bucket
from retrieval_svc.search.typed_text import TOKEN

# Behind these the words up to a garment are meant, and the garment itself is still wanted: "not black shirts".
_OF_A_GARMENT = r"not(?! (?:only|just|necessarily)\b)|isn't|aren't|never|neither"
# Behind these a garment may be a part of another one: "a coat without a belt".
_OF_A_PART = r"no|without|w/o|minus"
# Behind these everything is meant. "Nothing but jeans" is no negation.
_OF_ANYTHING = (
    r"(?:anything|everything|all) (?:but|except)|except(?: for)?|excluding|other than|apart from|avoid(?:ing)?|"
    r"(?:do not|don't|dont) want|rather than|instead of"
)
_MARKER = re.compile(
    rf"(?:\bbut )?(?:\b(?:that|which)(?: (?:is|are))? )?(?:(?P<part>(?<!\w)(?:{_OF_A_PART})(?!\w))"
    rf"|(?P<garment>(?<!\w)(?:{_OF_A_GARMENT})(?!\w)|(?<![^ ])-(?=[^\W\d]))"
    rf"|(?P<any>\b(?:{_OF_ANYTHING})(?!\w)))"
)
_FILLERS = re.compile(
    r" *(?:\b(?:any|anything|something|in|of|from|for|by|made|with|too|very|so|be|it|to|kind of|sort of|either|both|"
    r"the colou?r)\b *)*(?P<article>(?:\b(?:a|an|the)\b *)?)"
)
_JOINER = re.compile(r" *(?:, *)?(?:\b(?:or|nor|and)\b|/|,) *")


@dataclass(frozen=True, slots=True)
class Item:
    """A value of a field that is not wanted, with its place."""

    field: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Negation:
    """One negation of a text.

    Attributes:
        items: What it names; none when the catalogue knows no such word.
        start: Where it begins.
        end: Where it ends.
        of_a_part: Whether garments in it may be parts of another garment.
        joined: Whether its items describe one thing together ("no black jeans"), which exclusions cannot say.
    """

    items: tuple[Item, ...]
    start: int
    end: int
    of_a_part: bool = False
    joined: bool = False


def find_negations(text: str, known: ShopWords) -> list[Negation]:
    """Finds the negations of a folded text, from its left to its right."""
    named = _named(text, known)
    found: list[Negation] = []
    at = 0
    while (marker := _MARKER.search(text, at)) is not None:
        negation = _negation(text, marker, named)
        if negation is not None:
            found.append(negation)
        at = max(marker.end(), negation.end if negation else 0)
    return found


def _named(text: str, known: ShopWords) -> dict[int, Item]:
    """Returns everything in a text that can be excluded, by its start; the longest where several begin."""
    places: list[Item] = []
    for field in ("brands", "colors", "patterns", "materials", "categories"):
        places += [Item(field, *place) for place in known.find(text, field)]
    places += [Item("patterns", *place) for place in found_in(text, GROUPS, known.corrected)]
    places += [Item("buckets", str(int(bucket)), start, end) for bucket, start, end in buckets_in(text)]
    named: dict[int, Item] = {}
    for item in places:
        general = item.field == "categories" and bool(general_bucket(text[item.start : item.end]))
        if not general and (item.start not in named or item.end > named[item.start].end):
            named[item.start] = item
    return named


def _negation(text: str, marker: re.Match[str], named: dict[int, Item]) -> Negation | None:
    """Reads what stands behind a marker; None when nothing does."""
    items: list[Item] = []
    fillers = _FILLERS.match(text, marker.end())
    at, article = (fillers.end(), bool(fillers.group("article"))) if fillers else (marker.end(), False)
    of_a_garment, joined = marker.group("garment") is not None and not article, False
    while (item := named.get(at)) is not None:
        is_garment = item.field in ("categories", "buckets")
        adjacent = bool(items) and not text[items[-1].end : at].strip(" -")
        if adjacent and of_a_garment:
            break
        joined = joined or adjacent
        items.append(item)
        behind = _next(text, item, is_garment=is_garment, named=named)
        if behind is None:
            break
        at = behind
    if items:
        return Negation(tuple(items), marker.start(), items[-1].end, marker.group("part") is not None, joined)
    word = TOKEN.match(text, at)
    return Negation((), marker.start(), word.end()) if word and marker.group("any") is None else None


def _next(text: str, item: Item, *, is_garment: bool, named: dict[int, Item]) -> int | None:
    """Returns where the next thing of a list begins, if the list goes on."""
    blank = len(text[item.end :]) - len(text[item.end :].lstrip(" -"))
    if item.end + blank in named and not is_garment and not _is_noun(text, item):
        return item.end + blank
    joiner = _JOINER.match(text, item.end)
    if joiner is None:
        return None
    other = named.get(joiner.end())
    if other is None or (joiner.group().strip() == "," and not _goes_on(text, item, other, named)):
        return None
    return joiner.end()


def _is_noun(text: str, item: Item) -> bool:
    """Tells whether a pattern is named by a noun: then a garment behind it is wanted ("no stripes shirt")."""
    return item.field == "patterns" and text[item.start : item.end].endswith(("s", "print", "pattern"))


def _goes_on(text: str, item: Item, other: Item, named: dict[int, Item]) -> bool:
    """Tells whether a plain comma goes on with a list, or begins what is wanted: "not black, white sneakers"."""
    blank = len(text[other.end :]) - len(text[other.end :].lstrip(" "))
    behind = named.get(other.end + blank)
    return item.field == other.field and (behind is None or behind.field not in ("categories", "buckets"))


@dataclass(frozen=True, slots=True)
class Unwanted:
    """What negations exclude.

    Attributes:
        exclusions: The values.
        places: Field and place of each part; the field is empty where nothing can be excluded.
    """

    exclusions: Exclusions
    places: tuple[tuple[str, int, int], ...]


def resolve(negations: Sequence[Negation], heads: frozenset[Bucket], known: ShopWords) -> Unwanted:
    """Decides what negations exclude.

    Args:
        negations: What was found.
        heads: Buckets of the garments that are wanted.
        known: The words of the catalogue.
    """
    exclusions = Exclusions()
    places: list[tuple[str, int, int]] = []
    for negation in negations:
        items = list(_excludable(negation, heads))
        if not items:
            places.append(("", negation.start, negation.end))
        for number, item in enumerate(items):
            exclusions = exclusions.joined(_exclusion(item, known))
            places.append((f"exclusions.{item.field}", item.start if number else negation.start, item.end))
    return Unwanted(exclusions, tuple(places))


def _excludable(negation: Negation, heads: frozenset[Bucket]) -> Iterator[Item]:
    """Leaves out what only describes: parts of garments, and things that several words describe together."""
    garments = [item for item in negation.items if item.field in ("categories", "buckets")]
    wanted_too = bool(garments) and all(_bucket(item) in heads for item in garments)
    if negation.joined:
        # "jeans, but no black jeans": of jeans not the black ones. Without the first word it would be too much.
        if wanted_too and len(negation.items) == len(garments) + 1:
            yield from (item for item in negation.items if item not in garments)
        return
    for item in negation.items:
        if item in garments and negation.of_a_part and heads and not wanted_too:
            continue
        yield item


def _bucket(item: Item) -> Bucket:
    return Bucket(int(item.value)) if item.field == "buckets" else bucket_of(item.value)


def _exclusion(item: Item, known: ShopWords) -> Exclusions:
    match item.field:
        case "buckets":
            return Exclusions(buckets=(Bucket(int(item.value)),))
        case "colors":
            # A plain colour that the shop has only in shades means all of these.
            own = shades(item.value, known.colors)
            return Exclusions(colors=own if item.value in known.colors else known.meant("colors", item.value))
        case "materials":
            return Exclusions(materials=made_of(item.value, known.materials))
        case "categories" if item.value not in known.categories:
            return Exclusions(categories=known.meant("categories", item.value))
        case "patterns":
            return Exclusions(patterns=PATTERN_GROUPS.get(item.value, (item.value,)))
    return replace(Exclusions(), **{item.field: (item.value,)})  # type: ignore[arg-type]
