"""What a search asks for, and what it answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from retrieval_svc.catalog.encoder import ModelUse, Vector
from retrieval_svc.catalog.filters import ProductFilter
from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.product import Product
from retrieval_svc.catalog.vocabulary import Bucket
from retrieval_svc.search.certificate import Certificate
from retrieval_svc.search.counterfactual import Counterfactual
from retrieval_svc.search.ranking import Term, Weights
from retrieval_svc.search.wishes import Wishes


@dataclass(frozen=True, slots=True)
class PictureQuery:
    """Find what looks like a picture (encoded bytes)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class TextQuery:
    """Find what fits words.

    Attributes:
        text: What was typed.
        words_only: Read no filters out of it.
    """

    text: str
    words_only: bool = False


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """Find what is near a vector.

    Attributes:
        vector: The vector; it need not be normalised.
        field: Path of the embedding in the request, for errors.
        bucket: Only products of this bucket, unless the filter names buckets or categories; UNSPECIFIED for any.
    """

    vector: Vector
    field: str = "embedding"
    bucket: Bucket = Bucket.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class SimilarQuery:
    """Find what is like a product (article number)."""

    product_id: str


Query = PictureQuery | TextQuery | VectorQuery | SimilarQuery


@dataclass(frozen=True, slots=True)
class PersonalContext:
    """What a ranking may know about the user; fields as in `vitrine.type.v1.PersonalContext`."""

    taste: Vector | None = None
    color_season: str = ""
    sizes: Mapping[str, str] = field(default_factory=dict)
    budget: Money | None = None
    preferred_brands: tuple[str, ...] = ()
    avoided_brands: tuple[str, ...] = ()
    avoided_colors: tuple[str, ...] = ()
    avoided_materials: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Materials:
    """What a search knows about materials, for a person who avoids some.

    Attributes:
        shop: All that the catalogue uses, as keys.
        named: Those that the words of the search name.
    """

    shop: frozenset[str] = frozenset()
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RankingOptions:
    """How to rank.

    Attributes:
        filter: Which products count.
        budget: What the user wants to spend; None takes that of the context.
        weights: How much each term counts.
        context: What is known about the user.
        currency: Currency of converted prices; empty takes that of the context, that of the budget, or EUR.
        main_colors: Colour keys that were read out of a text.
        materials: Those of the shop and of the words, where the context avoids some.
        diversity: How much likeness to what stands before costs, 0-1.
        collapse_duplicates: Whether only one of the same things is shown.
    """

    filter: ProductFilter = field(default_factory=ProductFilter)
    budget: Money | None = None
    weights: Weights = field(default_factory=Weights)
    context: PersonalContext = field(default_factory=PersonalContext)
    currency: str = ""
    main_colors: frozenset[str] = frozenset()
    materials: Materials = field(default_factory=Materials)
    diversity: float = 0.0
    collapse_duplicates: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """One product of a ranked list; fields as in `vitrine.retrieval.v1.ProductMatch`, and the product's etag."""

    product: Product
    etag: str
    rank: int
    score: float
    terms: tuple[Term, ...]
    converted_price: Money | None
    counterfactual: Counterfactual | None


@dataclass(frozen=True, slots=True)
class Tiers:
    """Three ways to spend."""

    closest: Match | None = None
    lower: Match | None = None
    premium: Match | None = None


@dataclass(frozen=True, slots=True)
class RankedPage:
    """A page of a ranked list.

    Attributes:
        matches: Best first.
        tiers: From the whole list; only with the first page.
        certificate: What is known about what was not found.
        has_more: Whether there is a page after this one.
        end: The place behind its last one.
    """

    matches: tuple[Match, ...]
    tiers: Tiers
    certificate: Certificate
    has_more: bool
    end: int = 0


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """A page of a search, and what it rests on.

    Attributes:
        page: The page.
        models: Models that took part.
        rates_date: Day of the exchange rates.
        unused_context: Parts of the personal context that had no influence.
        wishes: What was read out of a text beside its words; None when nothing was looked for.
    """

    page: RankedPage
    models: tuple[ModelUse, ...]
    rates_date: dt.date
    unused_context: tuple[str, ...]
    wishes: Wishes | None = None


@dataclass(frozen=True, slots=True)
class GarmentQuery:
    """A garment to match.

    Attributes:
        garment_id: Its id in the request.
        query: Its vector and bucket.
    """

    garment_id: str
    query: VectorQuery


@dataclass(frozen=True, slots=True)
class OutfitAnswer:
    """One page per garment, in their order."""

    garments: tuple[tuple[str, RankedPage], ...]
    models: tuple[ModelUse, ...]
    rates_date: dt.date
    unused_context: tuple[str, ...]
