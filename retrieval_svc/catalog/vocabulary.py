"""Words of the catalogue: which bucket a category belongs to, and what shops call things."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TypeVar


class Bucket(IntEnum):
    """Place in an outfit; numbers as in `vitrine.type.v1.GarmentBucket`."""

    UNSPECIFIED = 0
    TOP = 1
    BOTTOM = 2
    OUTERWEAR = 3
    DRESS = 4
    SHOES = 5
    ACCESSORIES = 6


class Gender(IntEnum):
    """Whom it is made for; numbers as in `vitrine.retrieval.v1.Gender`."""

    UNSPECIFIED = 0
    WOMEN = 1
    MEN = 2
    UNISEX = 3
    KIDS = 4


class Availability(IntEnum):
    """Whether it can be had; numbers as in `vitrine.retrieval.v1.Availability`."""

    UNSPECIFIED = 0
    IN_STOCK = 1
    LOW_STOCK = 2
    PREORDER = 3
    BACKORDER = 4
    OUT_OF_STOCK = 5
    DISCONTINUED = 6


class VectorState(IntEnum):
    """How far a product is in the index; numbers as in `vitrine.retrieval.v1.VectorState`."""

    UNSPECIFIED = 0
    NO_IMAGE = 1
    PENDING = 2
    READY = 3
    FAILED = 4


# The value of the ranking's term `availability`; stated in `product.proto`.
AVAILABILITY_SCORES: Mapping[Availability, float] = {
    Availability.UNSPECIFIED: 0.5,
    Availability.IN_STOCK: 1.0,
    Availability.LOW_STOCK: 0.8,
    Availability.PREORDER: 0.5,
    Availability.BACKORDER: 0.4,
    Availability.OUT_OF_STOCK: 0.0,
    Availability.DISCONTINUED: 0.0,
}

_WORDS: Mapping[Bucket, str] = {
    Bucket.TOP: "top shirt t-shirt tshirt tee polo blouse longsleeve sweater jumper pullover knitwear cardigan hoodie "
    "sweatshirt tank-top tank camisole vest bodysuit tunic undershirt turtleneck crop-top",
    Bucket.BOTTOM: "bottom trousers pants jeans chinos shorts skirt leggings joggers sweatpants culottes",
    Bucket.OUTERWEAR: "outerwear coat jacket blazer parka trench trench-coat raincoat anorak overcoat bomber gilet "
    "windbreaker puffer cape poncho",
    Bucket.DRESS: "dress gown jumpsuit romper playsuit overall overalls dungarees",
    Bucket.SHOES: "shoes shoe sneakers sneaker trainers boots boot sandals sandal loafers loafer heels pumps flats "
    "ballerinas slippers moccasins oxfords derbies espadrilles mules clogs",
    Bucket.ACCESSORIES: "accessories accessory bag handbag backpack tote clutch hat cap beanie beret headwear scarf "
    "belt gloves tie sunglasses umbrella socks tights jewellery jewelry watch wallet shawl",
}
_BUCKETS: Mapping[str, Bucket] = {word: bucket for bucket, words in _WORDS.items() for word in words.split()}

_GENDER_WORDS: Mapping[str, Gender] = {
    "women": Gender.WOMEN, "woman": Gender.WOMEN, "female": Gender.WOMEN, "ladies": Gender.WOMEN,
    "men": Gender.MEN, "man": Gender.MEN, "male": Gender.MEN,
    "unisex": Gender.UNISEX, "kids": Gender.KIDS, "children": Gender.KIDS,
}  # fmt: skip
_AVAILABILITY_WORDS: Mapping[str, Availability] = {
    "in_stock": Availability.IN_STOCK, "available": Availability.IN_STOCK, "low_stock": Availability.LOW_STOCK,
    "preorder": Availability.PREORDER, "pre_order": Availability.PREORDER, "backorder": Availability.BACKORDER,
    "out_of_stock": Availability.OUT_OF_STOCK, "sold_out": Availability.OUT_OF_STOCK,
    "discontinued": Availability.DISCONTINUED,
}  # fmt: skip
_BUCKET_WORDS: Mapping[str, Bucket] = {bucket.name.lower(): bucket for bucket in Bucket if bucket}
_EnumT = TypeVar("_EnumT", bound=IntEnum)


def key(text: str) -> str:
    """Returns the form in which words are compared: trimmed, lower case, single spaces."""
    return " ".join(text.split()).lower()


def bucket_of(category: str) -> Bucket:
    """Returns the bucket of a category, by the whole word or its last one; UNSPECIFIED when it is not known.

    Args:
        category: For example ``shirt``, ``Trench Coat``, ``ankle boots``.
    """
    words = key(category).replace("_", "-").replace(" ", "-")
    return _BUCKETS.get(words) or _BUCKETS.get(words.rsplit("-", 1)[-1]) or Bucket.UNSPECIFIED


def parse_gender(text: str) -> Gender | None:
    """Reads a gender word; None when it is not known."""
    return _lookup(_GENDER_WORDS, text)


def parse_availability(text: str) -> Availability | None:
    """Reads an availability (``in stock``, ``OUT_OF_STOCK``); None when it is not known."""
    return _lookup(_AVAILABILITY_WORDS, text)


def parse_bucket(text: str) -> Bucket | None:
    """Reads the name of a bucket; None when it is not known."""
    return _lookup(_BUCKET_WORDS, text)


def _lookup(words: Mapping[str, _EnumT], text: str) -> _EnumT | None:
    return words.get(key(text).replace(" ", "_").replace("-", "_"))
