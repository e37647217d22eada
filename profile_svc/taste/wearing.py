"""Which garments were just seen: one that is worn counts once, however many pictures it is in.

Two garments are taken for one when they were seen at most `WINDOW_S` apart and all of this holds:

- the same bucket, or two of `MISTAKEN_BUCKETS`: a skirt is taken for a dress now and then. Accessories have the same
  category besides, where both are finely known;
- a like vector, where both have one of the same model: cosine at least that of `LIKE_VECTORS`, `OTHER_WORDS` more where
  bucket or fine category differ, and `OTHER_COLORS` more for each unit by which the colours do. Of one coat models say
  "outerwear", "coat" and "blazer" in turn, so words are weaker evidence than looks;
- like colours: CIE94, each colour to the nearest of the other garment, by shares, in the worse direction, at most
  `LIKE_COLORS`. Where no vectors can be compared, at most `_SAME_COLORS`, and bucket and category must agree.

The limits were measured on 151 street photos, each beside itself photographed again (cropped, turned, relit, JPEG), and
on 6 pairs of photos of one outfit: 583 times the same garment, and 32,662 times two garments of one bucket. Of the same
84 % are taken for one with `fashion/3` (84 % with `fashion/2`, on half of the photos 90 % with `hand-made/1`; 68 %
without vectors), of different ones 7 % (4 %, 2 %, 8 %), which in one wearing meet seldom: people rarely change within
hours, and then mostly into something else. 70 more garments were found in one of two photos only; one in seven of them
is known by another bucket, and of different garments of such buckets hardly any is.

`bench/wearing.py` measures again, and says which limit it would take, for another model or for new weights of one. A
limit that changes makes another taste of the same log: raise `state.RULES` with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from profile_svc.taste.evidence import SeenEmbedding, SeenGarment, decode_vector, encode_vector

WINDOW_S = 4 * 3600.0  # a night lies between two wearings; lunch does not
KEEP_S = 24 * 3600.0  # what lies further from the present sighting than this is only kept while it is among
KEEP_ANYWAY = 24  # the last ones told of: photos of long ago are told of together, and clocks may be years ahead
KEEP_COUNT = 48  # some 100 KB at 512 dimensions

LIKE_COLORS, _SAME_COLORS = 22.0, 9.0
# What other words, and each unit by which colours differ, take from the likeness.
OTHER_WORDS, OTHER_COLORS = 0.1, 0.01
# By model id: another version of a model has another space, and old logs hold vectors of older ones. Without a
# measurement the cautious limit counts.
LIKE_VECTORS: Mapping[str, float] = MappingProxyType({"fashion/3": 0.70, "fashion/2": 0.69, "hand-made/1": 0.42})
LIKE_VECTORS_OF_OTHERS = 0.85

# Words that say no more than the bucket, beside words that say more. A model that is not sure answers with these.
_COARSE = frozenset({"", "top", "bottom", "outerwear", "dress", "shoes", "accessory", "accessories"})
_COARSE_OF: Mapping[str, str] = MappingProxyType(dict.fromkeys(("hat", "cap"), "headwear"))
MISTAKEN_BUCKETS = frozenset({frozenset({"dress", "bottom"}), frozenset({"dress", "outerwear"})})

Lab = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Occasion:
    """When, and by which event, something was seen.

    Attributes:
        event_id: Id of the sighting.
        observe_s: When, in seconds since 1970, UTC.
    """

    event_id: str
    observe_s: float


@dataclass(frozen=True, slots=True)
class Worn:
    """A garment that counted, and when it was seen since.

    Attributes:
        event_id: The sighting in which it counted.
        bucket: As `SeenGarment`.
        category: As `SeenGarment`.
        colors: Lab and share of each colour.
        embedding: Its vector; None when none was given.
        first_s: When it was seen first, in seconds since 1970, UTC.
        last_s: When it was seen last.
    """

    event_id: str
    bucket: str
    category: str
    colors: tuple[tuple[Lab, float], ...]
    embedding: SeenEmbedding | None
    first_s: float
    last_s: float


def find(worn: Iterable[Worn], garment: SeenGarment, observe_s: float) -> int | None:
    """Returns the place of a garment among those that were just seen; None when it is new.

    Of several the one that is most alike counts, of equals the newest.

    Args:
        worn: What counted, that which was told of last at the end.
        garment: What is seen now.
        observe_s: When, in seconds since 1970, UTC.
    """
    best: tuple[float, int] | None = None
    for place, known in enumerate(worn):
        if known.first_s - WINDOW_S <= observe_s <= known.last_s + WINDOW_S:
            alike = _alike(known, garment)
            if alike is not None and (best is None or (alike, place) > best):
                best = alike, place
    return None if best is None else best[1]


def remember(worn: tuple[Worn, ...], seen: Iterable[tuple[SeenGarment, int | None]], at: Occasion) -> tuple[Worn, ...]:
    """Returns what is known after a sighting, that which it shows at the end.

    Args:
        worn: What was known.
        seen: Each garment that has a say, with the place that `find` gave.
        at: The sighting.
    """
    shown: list[Worn] = []
    again: set[int] = set()
    for garment, place in seen:
        if place is None:
            shown.append(worn_of(garment, at))
        elif place not in again:
            again.add(place)
            old = worn[place]
            shown.append(replace(old, first_s=min(old.first_s, at.observe_s), last_s=max(old.last_s, at.observe_s)))
    known = [item for place, item in enumerate(worn) if place not in again] + shown
    kept = [
        item
        for place, item in enumerate(known, KEEP_ANYWAY - len(known))
        if place >= 0 or item.first_s - KEEP_S <= at.observe_s <= item.last_s + KEEP_S
    ]
    return tuple(kept[-KEEP_COUNT:])


def color_distance(first: tuple[tuple[Lab, float], ...], second: tuple[tuple[Lab, float], ...]) -> float:
    """Returns how far two sets of colours lie apart, CIE94; infinite where one is empty."""
    return max(_one_way(first, second), _one_way(second, first))


def dump_worn(item: Worn) -> list[Any]:
    """Returns a garment as plain JSON, from which `load_worn` makes an equal one."""
    vector = None if item.embedding is None else [item.embedding.model, encode_vector(item.embedding.values)]
    return [item.event_id, item.bucket, item.category, item.colors, vector, item.first_s, item.last_s]


def load_worn(data: list[Any]) -> Worn:
    """Reads what `dump_worn` wrote."""
    event_id, bucket, category, colors, vector, first_s, last_s = data
    return Worn(
        event_id, bucket, category,
        tuple(((lab[0], lab[1], lab[2]), share) for lab, share in colors),
        None if vector is None else SeenEmbedding(vector[0], decode_vector(vector[1])),
        first_s, last_s,
    )  # fmt: skip


def likeness(known: Worn, garment: SeenGarment) -> float:
    """Returns what is held against the limit of a model: the cosine, less what other words and colours cost.

    Returns:
        -1 to 1; -1 where kind or colours set two garments apart, or no vectors of one model can be compared.
    """
    one, other = known.embedding, garment.embedding
    words = _cost_of_words(known, garment)
    if words is None or one is None or other is None or not _comparable(one, other):
        return -1.0
    colors = color_distance(known.colors, colors_of(garment))
    if colors > LIKE_COLORS:
        return -1.0
    return max(-1.0, cosine(one, other) - words - OTHER_COLORS * colors)


def cosine(one: SeenEmbedding, other: SeenEmbedding) -> float:
    """Returns the cosine of two unit vectors of the same model."""
    products = one.values.astype("float64") * other.values.astype("float64")
    return math.fsum(products.tolist())


def worn_of(garment: SeenGarment, at: Occasion) -> Worn:
    """Returns what is remembered of a garment that counts.

    Args:
        garment: The garment.
        at: The sighting in which it counts.
    """
    return Worn(
        at.event_id, garment.bucket, garment.category, colors_of(garment), garment.embedding, at.observe_s, at.observe_s
    )


def colors_of(garment: SeenGarment) -> tuple[tuple[Lab, float], ...]:
    """Returns Lab and share of each colour of a garment."""
    return tuple((color.lab, color.share) for color in garment.colors)


def _alike(known: Worn, garment: SeenGarment) -> float | None:
    """Returns how alike two garments are; None where they are two. What vectors say stands above what colours say."""
    one, other = known.embedding, garment.embedding
    if one is not None and other is not None and _comparable(one, other):
        alike = likeness(known, garment)
        return alike if alike >= LIKE_VECTORS.get(one.model, LIKE_VECTORS_OF_OTHERS) else None
    if _cost_of_words(known, garment) != 0.0:
        return None
    distance = color_distance(known.colors, colors_of(garment))
    return -1.0 - distance if distance <= _SAME_COLORS else None


def _comparable(one: SeenEmbedding, other: SeenEmbedding) -> bool:
    return one.model == other.model and one.values.size == other.values.size


def _cost_of_words(known: Worn, garment: SeenGarment) -> float | None:
    """Returns what bucket and category take from the likeness; None where they tell two garments apart."""
    if known.bucket != garment.bucket:
        return OTHER_WORDS if frozenset({known.bucket, garment.bucket}) in MISTAKEN_BUCKETS else None
    one, other = (_COARSE_OF.get(word, word) for word in (known.category, garment.category))
    if one == other or one in _COARSE or other in _COARSE:
        return 0.0
    return None if known.bucket == "accessories" else OTHER_WORDS  # a bag and a belt are worn together


def _one_way(colors: tuple[tuple[Lab, float], ...], others: tuple[tuple[Lab, float], ...]) -> float:
    total = math.fsum(share for _, share in colors)
    if total <= 0 or not others:
        return math.inf
    return math.fsum(share * min(_cie94(lab, other) for other, _ in others) for lab, share in colors) / total


def _cie94(one: Lab, other: Lab) -> float:
    """CIE 116-1995, graphic arts. CIEDE2000 is nearer to the eye, but its sines differ in bits between machines."""
    chroma_1, chroma_2 = _chroma(one), _chroma(other)
    chroma = math.sqrt(chroma_1 * chroma_2)  # symmetric, as the standard allows
    step = chroma_1 - chroma_2
    hue_squared = max(0.0, _squared(one[1] - other[1]) + _squared(one[2] - other[2]) - step * step)
    light = one[0] - other[0]
    return math.sqrt(
        _squared(light) + _squared(step / (1 + 0.045 * chroma)) + hue_squared / _squared(1 + 0.015 * chroma)
    )


def _squared(value: float) -> float:
    return value * value


def _chroma(lab: Lab) -> float:
    return math.sqrt(lab[1] * lab[1] + lab[2] * lab[2])
