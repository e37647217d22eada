"""Why a product stands where it stands, in a few words, from the terms of its score."""

from __future__ import annotations

from vitrine.retrieval.v1 import match_pb2, product_pb2

TERM_WORDS = {
    "cosine": "likeness",
    "keyword": "words",
    "price": "price",
    "brand": "brand",
    "availability": "availability",
    "taste": "taste",
    "size": "size",
    "color_season": "season",
    "main_color": "colour",
}
_AVAILABILITY = {
    product_pb2.AVAILABILITY_IN_STOCK: "in stock",
    product_pb2.AVAILABILITY_LOW_STOCK: "few left",
    product_pb2.AVAILABILITY_PREORDER: "pre-order",
    product_pb2.AVAILABILITY_BACKORDER: "comes later",
    product_pb2.AVAILABILITY_OUT_OF_STOCK: "sold out",
    product_pb2.AVAILABILITY_DISCONTINUED: "discontinued",
}
_ALIKE = 5e-4  # scores are shown with three decimals


def why(match: match_pb2.ProductMatch, first: match_pb2.ProductMatch) -> str:
    """Says why a product has its place: its likeness, whether it can be had, and what keeps it from being first.

    Args:
        match: The product.
        first: The first of the same list.
    """
    values = {term.name: term for term in match.terms}
    parts = [f"likeness {values['cosine'].value:.2f}"] if "cosine" in values else []
    parts += [words] if (words := _AVAILABILITY.get(match.product.availability, "")) else []
    return ", ".join([*parts, behind]) if (behind := _behind(match, first)) else ", ".join(parts)


def _behind(match: match_pb2.ProductMatch, first: match_pb2.ProductMatch) -> str:
    if match.counterfactual.description:
        return match.counterfactual.description
    gap = first.score - match.score
    if gap < _ALIKE:
        return ""
    ahead = {term.name: term.contribution for term in first.terms}
    losses = {term.name: ahead.get(term.name, 0.0) - term.contribution for term in match.terms}
    most = max(losses, key=lambda name: losses[name], default="")
    return f"{gap:.3f} behind in {TERM_WORDS.get(most, most)}" if most else ""


def tier_of(match: match_pb2.ProductMatch, tiers: match_pb2.PriceTiers) -> str:
    """Names the way to spend that a product stands for: `closest`, `lower` or `premium`; empty for none."""
    named = (("closest", tiers.closest), ("lower", tiers.lower), ("premium", tiers.premium))
    return next((name for name, each in named if each.product.name and each.product.name == match.product.name), "")
