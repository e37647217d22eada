"""What a product is."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.vocabulary import Availability, Bucket, Gender, VectorState, key

# Point ids of the index are UUIDs made from article numbers, so that they can be computed anywhere.
_NAMESPACE = uuid.UUID("6f1b0f60-9f0e-5c1b-8a53-0d5f3c1f7a11")


@dataclass(frozen=True, slots=True)
class ColorTag:
    """A colour of a product.

    Attributes:
        name: English name, lower case.
        hex: ``#rrggbb``, or empty.
        lab: CIE L*a*b* (D65), or None.
        share: Share of the product's area, 0-1; 0 when not known.
    """

    name: str
    hex: str = ""
    lab: tuple[float, float, float] | None = None
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a product: our own copy, a link, or both.

    Attributes:
        image_id: Names our copy (hexadecimal digits of the SHA-256 of the file that came in); empty for a link only.
        url: Where the shop shows it.
        alt_text: What it shows.
        width_px: Width of our copy.
        height_px: Height of our copy.
    """

    image_id: str = ""
    url: str = ""
    alt_text: str = ""
    width_px: int = 0
    height_px: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """Something that can be bought. Field meanings are those of `vitrine.retrieval.v1.Product`."""

    product_id: str
    title: str
    category: str
    price: Money
    description: str = ""
    brand: str = ""
    bucket: Bucket = Bucket.UNSPECIFIED
    gender: Gender = Gender.UNSPECIFIED
    colors: tuple[ColorTag, ...] = ()
    sizes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    availability: Availability = Availability.UNSPECIFIED
    url: str = ""
    tags: tuple[str, ...] = ()
    pattern: str = ""
    materials: tuple[str, ...] = ()
    vector_state: VectorState = VectorState.UNSPECIFIED
    vector_model: str = ""
    vector_error: str = ""
    seen_pattern: str = ""
    create_time: dt.datetime | None = None
    update_time: dt.datetime | None = None

    @property
    def name(self) -> str:
        """Resource name."""
        return f"products/{self.product_id}"

    @property
    def etag(self) -> str:
        """Changes with what the shop said about the product, not with the state of its vector."""
        content = json.dumps(to_document(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:20]

    def search_text(self) -> str:
        """Returns the words that a text search reads."""
        colors = " ".join(color.name for color in self.colors)
        # What is seen makes words too, but only where the shop has none.
        pattern = self.pattern or self.seen_pattern
        parts = (
            self.title,
            self.brand,
            self.category,
            colors,
            pattern,
            *self.materials,
            *self.tags,
            self.description,
        )
        return " ".join(part for part in parts if part)


def main_color(product: Product) -> str:
    """Returns the key of the colour that most of a product has, the first named of equals; empty without a colour."""
    most = max(product.colors, key=lambda color: color.share, default=None)
    return key(most.name) if most is not None else ""


def point_id(product_id: str) -> str:
    """Returns the id of a product's point in the index, a UUID."""
    return str(uuid.uuid5(_NAMESPACE, product_id))


def product_id_of(name: str) -> str:
    """Returns the article number in ``products/{product}``."""
    return name.removeprefix("products/")


def to_document(product: Product) -> dict[str, Any]:
    """Returns what the shop said about a product as JSON values; states and times are not part of it."""
    return {
        "id": product.product_id,
        "title": product.title,
        "description": product.description,
        "brand": product.brand,
        "category": product.category,
        "bucket": int(product.bucket),
        "gender": int(product.gender),
        "colors": [[c.name, c.hex, list(c.lab) if c.lab else None, c.share] for c in product.colors],
        "sizes": list(product.sizes),
        "price": [product.price.currency, product.price.amount_text],
        "pictures": [[p.image_id, p.url, p.alt_text, p.width_px, p.height_px] for p in product.pictures],
        "availability": int(product.availability),
        "url": product.url,
        "tags": list(product.tags),
        "pattern": product.pattern,
        "materials": list(product.materials),
    }


def from_document(
    document: Mapping[str, Any],
    *,
    seen_pattern: str = "",
    vector_state: VectorState = VectorState.UNSPECIFIED,
    vector_model: str = "",
) -> Product:
    """Reads what `to_document` wrote.

    Args:
        document: What the shop said.
        seen_pattern: What vision saw, which is no part of that.
        vector_state: How far its vector is.
        vector_model: The model of its vector.
    """
    currency, amount = document["price"]
    return Product(
        product_id=document["id"],
        title=document["title"],
        description=document["description"],
        brand=document["brand"],
        category=document["category"],
        bucket=Bucket(document["bucket"]),
        gender=Gender(document["gender"]),
        colors=tuple(_color(*color) for color in document["colors"]),
        sizes=tuple(document["sizes"]),
        price=Money(currency, Decimal(amount)),
        pictures=tuple(Picture(*picture) for picture in document["pictures"]),
        availability=Availability(document["availability"]),
        url=document["url"],
        tags=tuple(document["tags"]),
        pattern=document["pattern"],
        materials=tuple(document["materials"]),
        vector_state=vector_state,
        vector_model=vector_model,
        seen_pattern=seen_pattern,
    )


def merged_pictures(stated: Sequence[Picture], known: Sequence[Picture]) -> tuple[Picture, ...]:
    """Returns the pictures of a product for which links and texts came in, but no files.

    Our copies stay, in front. A stated link that one of them has already is that picture, and so is a stated text
    without a link that stands at its place; other links come beside them, instead of earlier links.

    Args:
        stated: What came in; none of them has a copy. Nothing stated changes nothing.
        known: What the product has.
    """
    own = [picture for picture in known if picture.image_id]
    if not stated or not own:
        return tuple(stated or known)
    by_url = {picture.url: place for place, picture in enumerate(own) if picture.url}
    links: dict[tuple[str, str], Picture] = {}
    for place, picture in enumerate(stated):
        at = by_url.get(picture.url) if picture.url else place
        if at is not None and at < len(own):
            own[at] = replace(own[at], alt_text=picture.alt_text or own[at].alt_text)
        elif picture.url or picture.alt_text:
            links[picture.url, "" if picture.url else picture.alt_text] = picture
    return (*own, *links.values())


def _color(name: str, hex_code: str, lab: list[float] | None, share: float) -> ColorTag:
    return ColorTag(name, hex_code, (lab[0], lab[1], lab[2]) if lab else None, share)


def normalized(product: Product) -> Product:
    """Returns the product with trimmed words, lower-case category and colours, no repeated list items."""
    return replace(
        product,
        title=" ".join(product.title.split()),
        brand=" ".join(product.brand.split()),
        category=key(product.category),
        pattern=key(product.pattern),
        colors=tuple(replace(color, name=key(color.name), hex=color.hex.lower()) for color in product.colors),
        sizes=_unique(product.sizes),
        tags=_unique(product.tags),
        materials=_unique(product.materials),
    )


def _unique(items: tuple[str, ...]) -> tuple[str, ...]:
    """Leaves out blanks and what stands there already."""
    trimmed = (" ".join(item.split()) for item in items)
    return tuple(dict.fromkeys(item for item in trimmed if item))
