"""Words and prices: what turns a drawn piece into something that a shop offers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import numpy as np

from retrieval_svc.catalog.demo.assortment import Piece, pick
from retrieval_svc.catalog.demo.palette import COLORS

# Invented brands with their level of price.
BRANDS: Mapping[str, float] = MappingProxyType({
    "Nordlys": 1.1, "Halvorsen & Dotter": 1.9, "Kaffe Kolonne": 0.7, "Atelier Mirabel": 2.2, "Plain Weave": 0.8,
    "Oakfield Row": 1.2,
    "Tidewater": 0.9, "Sora Studio": 1.3, "Copperline": 1.0, "Vela Nova": 0.6, "Maison Quatorze": 2.6,
    "Brick & Thread": 0.75,
    "Lumen": 1.0, "Fjordkind": 1.4, "Ossia": 1.6, "Marigold Lane": 0.85,
})  # fmt: skip
# Shops price in their own currency: units for one euro, and what prices there end in.
_CURRENCIES: Mapping[str, tuple[float, float, str]] = MappingProxyType({
    "EUR": (1.0, 1.0, "0.95"), "USD": (1.1, 1.0, "0.99"), "GBP": (0.86, 1.0, "0.50"), "SEK": (11.2, 10.0, "9"),
    "JPY": (162.0, 100.0, "90"),
    "CHF": (0.95, 5.0, "4.90"), "DKK": (7.46, 5.0, "4.95"), "PLN": (4.3, 1.0, "0.99"),
})  # fmt: skip
_SHARES = (("EUR", 9), ("USD", 4), ("GBP", 3), ("SEK", 3), ("JPY", 2), ("CHF", 1), ("DKK", 1), ("PLN", 1))
_WALLET = tuple(currency for currency, share in _SHARES for _ in range(share))
_AVAILABILITY = ("in_stock",) * 14 + ("low_stock",) * 3 + ("out_of_stock",) * 2 + ("preorder", "backorder")
_LETTERS = ("XS", "S", "M", "L", "XL", "XXL")
_PATTERN_WORDS = {
    "striped": "striped",
    "checked": "checked",
    "dotted": "polka-dot",
    "floral": "floral",
    "graphic": "",
    "plain": "",
}
_SHOES = {"sneakers", "shoes", "boots", "heels", "sandals"}
_ONE_SIZE = {"bag", "headwear", "cap", "hat", "scarf"}


def row_of(piece: Piece, number: int, rng: np.random.Generator) -> dict[str, str]:
    """Writes the row of a piece as the importer reads it (see `RawRow` in the contract).

    Args:
        piece: The piece.
        number: Its number in the catalogue, from 1.
        rng: Source of chance.

    Returns:
        Text by column; lists are separated by ``|``.
    """
    brand = pick(rng, tuple(BRANDS))
    title = title_of(piece)
    price, currency = _price(piece, BRANDS[brand], rng)
    colors = [piece.look.color, *(piece.look.accents if piece.look.pattern != "plain" else ())]
    return {
        "sku": f"demo-{piece.category.replace(' ', '-')}-{number:04d}",
        "title": title,
        "description": _description(piece, title, brand),
        "brand": brand,
        "category": piece.category,
        "gender": piece.gender,
        "colors": "|".join(f"{name}{COLORS[name]}" for name in dict.fromkeys(colors)),
        "sizes": "|".join(_sizes(piece, rng)),
        "price": price,
        "currency": currency,
        "availability": pick(rng, _AVAILABILITY),
        "tags": "|".join([*piece.cut.tags, piece.fit]),
        "pattern": piece.look.pattern,
        "materials": piece.material,
        "image_alt": f"{title}, drawn, on a light ground",
    }


def title_of(piece: Piece) -> str:
    """Returns a title in natural words: ``Slim navy pinstriped wool trousers``."""
    fit = {"slim": "slim", "oversized": "oversized"}.get(piece.fit, "") if piece.look.kind in {"upper", "lower"} else ""
    pattern = _PATTERN_WORDS[piece.look.pattern]
    if piece.look.fine and pattern:
        pattern = {"striped": "pinstriped", "checked": "windowpane-checked"}.get(pattern, pattern)
    if fit and (piece.cut.name.startswith(("skinny", "wide", "flared", "tailored")) or "jumpsuit" in piece.cut.name):
        fit = ""
    cloth = "" if piece.cloth.split("-")[0] in piece.cut.name.split() else piece.cloth
    name = piece.cut.name
    words = " ".join(word for word in (fit, piece.look.color, pattern, cloth, name) if word)
    return words[0].upper() + words[1:]


def _description(piece: Piece, title: str, brand: str) -> str:
    occasions = " and ".join(piece.cut.tags[:2]) or "every day"
    fits = {
        "slim": "It sits close to the body.",
        "oversized": "It is cut wide on purpose.",
        "regular": "It fits as expected.",
    }
    body = f" {fits[piece.fit]}" if piece.look.kind in {"upper", "lower", "dress", "jumpsuit"} else ""
    return f"{title} by {brand}, made of {piece.material}. Good for {occasions}.{body}"


def _price(piece: Piece, level: float, rng: np.random.Generator) -> tuple[str, str]:
    low, high = piece.cut.euros
    euros = low * (high / low) ** float(rng.beta(1.6, 2.6)) * level**0.6
    currency = pick(rng, _WALLET)
    rate, step, ending = _CURRENCIES[currency]
    rounded = Decimal(max(0, int(euros * rate / step - 0.5))) * Decimal(str(step)).quantize(Decimal(1)) + Decimal(
        ending
    )
    return f"{rounded:.0f}" if currency in {"JPY", "SEK"} else f"{rounded:.2f}", currency


def _sizes(piece: Piece, rng: np.random.Generator) -> list[str]:
    first = int(rng.integers(0, 3))
    if piece.category in _ONE_SIZE:
        return ["one size"]
    if piece.category in _SHOES:
        low = 36 if piece.gender == "women" else 39 if piece.gender == "men" else 37
        return [str(size) for size in range(low + first % 2, low + 7 - first % 2)]
    if piece.category == "jeans":
        return [f"W{waist}/L{pick(rng, (30, 32, 34))}" for waist in range(26 + 2 * first, 36, 2)]
    if piece.category == "belt":
        return ["85", "95", "105"]
    return list(_LETTERS[first : first + int(rng.integers(3, 5))])
