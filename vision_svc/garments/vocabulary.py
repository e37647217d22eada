"""The words that we know for garments, patterns and looks, and how a text is taken apart into them."""

import re
from dataclasses import dataclass
from functools import cache

from vision_svc.garments.color_names import by_name
from vision_svc.garments.types import Bucket

# Category -> its place in an outfit.
CATEGORIES: dict[str, Bucket] = {
    "shirt": Bucket.TOP, "t-shirt": Bucket.TOP, "longsleeve": Bucket.TOP, "blouse": Bucket.TOP, "top": Bucket.TOP,
    "tank top": Bucket.TOP, "polo": Bucket.TOP, "sweater": Bucket.TOP, "hoodie": Bucket.TOP,
    "sweatshirt": Bucket.TOP, "cardigan": Bucket.TOP, "body": Bucket.TOP, "trousers": Bucket.BOTTOM,
    "jeans": Bucket.BOTTOM, "leggings": Bucket.BOTTOM, "shorts": Bucket.BOTTOM, "skirt": Bucket.BOTTOM,
    "jacket": Bucket.OUTERWEAR, "coat": Bucket.OUTERWEAR, "blazer": Bucket.OUTERWEAR, "vest": Bucket.OUTERWEAR,
    "suit": Bucket.OUTERWEAR, "outerwear": Bucket.OUTERWEAR, "dress": Bucket.DRESS, "jumpsuit": Bucket.DRESS,
    "shoes": Bucket.SHOES, "sneakers": Bucket.SHOES, "boots": Bucket.SHOES, "heels": Bucket.SHOES,
    "sandals": Bucket.SHOES, "bag": Bucket.ACCESSORIES, "headwear": Bucket.ACCESSORIES, "cap": Bucket.ACCESSORIES,
    "hat": Bucket.ACCESSORIES, "scarf": Bucket.ACCESSORIES, "belt": Bucket.ACCESSORIES,
    "accessory": Bucket.ACCESSORIES,
}  # fmt: skip

_CATEGORY_WORDS: dict[str, str] = {
    "tshirt": "t-shirt", "t shirt": "t-shirt", "tee": "t-shirt", "long sleeve": "longsleeve",
    "long-sleeve": "longsleeve", "tank": "tank top", "undershirt": "tank top", "camisole": "tank top",
    "vest top": "tank top", "polo shirt": "polo", "jumper": "sweater", "pullover": "sweater", "knit": "sweater",
    "knitwear": "sweater", "turtleneck": "sweater", "hooded sweatshirt": "hoodie", "tunic": "blouse",
    "bodysuit": "body", "pants": "trousers", "slacks": "trousers", "chinos": "trousers", "cargos": "trousers",
    "joggers": "trousers", "sweatpants": "trousers", "culottes": "trousers", "bottom": "trousers",
    "tights": "leggings", "bermudas": "shorts", "miniskirt": "skirt", "parka": "coat", "trench": "coat",
    "trench coat": "coat", "overcoat": "coat", "raincoat": "coat", "bomber": "jacket", "denim jacket": "jacket",
    "windbreaker": "jacket", "anorak": "jacket", "sport coat": "blazer", "tuxedo": "suit", "waistcoat": "vest",
    "gilet": "vest", "gown": "dress", "sundress": "dress", "overall": "jumpsuit", "romper": "jumpsuit",
    "dungarees": "jumpsuit", "shoe": "shoes", "footwear": "shoes", "loafer": "shoes", "oxford": "shoes",
    "flat": "shoes", "trainer": "sneakers", "sneaker": "sneakers", "boot": "boots", "heel": "heels",
    "pump": "heels", "stiletto": "heels", "sandal": "sandals", "flip-flop": "sandals", "handbag": "bag",
    "backpack": "bag", "purse": "bag", "tote": "bag", "clutch": "bag", "beanie": "headwear", "beret": "headwear",
    "baseball cap": "cap", "fedora": "hat", "shawl": "scarf", "accessories": "accessory",
}  # fmt: skip

PATTERNS: dict[str, str] = {
    "plain": "plain", "solid": "plain", "unicolor": "plain", "striped": "striped", "stripe": "striped",
    "pinstripe": "striped", "breton": "striped", "checked": "checked", "check": "checked", "checkered": "checked",
    "plaid": "checked", "tartan": "checked", "gingham": "checked", "flannel": "checked", "dotted": "dotted",
    "polka dot": "dotted", "polka-dot": "dotted", "dot": "dotted", "spotted": "dotted", "floral": "floral",
    "flower": "floral", "flowered": "floral", "botanical": "floral", "graphic": "graphic", "print": "graphic",
    "printed": "graphic", "logo": "graphic", "patterned": "patterned", "pattern": "patterned",
}  # fmt: skip

_ATTRIBUTE_TEXT = """
slim fitted skinny regular oversized baggy loose wide relaxed formal casual smart business elegant sporty minimalist
minimal structured tailored flowing cropped long short sleeveless cotton wool linen silk leather suede cashmere velvet
"""
_STOP_TEXT = """
a an and any are as at by can for from have i in is it like look looking me my of on or please show some something that
the this to want with women womens women's men mens men's woman man wear wearing find need nice new
"""
ATTRIBUTES = frozenset(_ATTRIBUTE_TEXT.split())
_STOP = frozenset(_STOP_TEXT.split())
_TOKEN = re.compile(r"[a-z]+(?:[-'][a-z]+)*|\d+")
_LONGEST = 3


@dataclass(frozen=True)
class Understanding:
    """What a text says about garments.

    Attributes:
        categories: Of our vocabulary, in the order of the text.
        colors: Names of our colours.
        patterns: Pattern words of our vocabulary.
        attributes: Words of style, fit and material.
        ignored: Words without a meaning for us.
        coverage: Share of the meaningful words that were understood, 0-1; 0 for a text without any.
    """

    categories: tuple[str, ...]
    colors: tuple[str, ...]
    patterns: tuple[str, ...]
    attributes: tuple[str, ...]
    ignored: tuple[str, ...]
    coverage: float

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """The places in an outfit of the categories, each once."""
        return tuple(dict.fromkeys(CATEGORIES[category] for category in self.categories))


def understand(text: str) -> Understanding:
    """Takes a text apart; the longest phrase that we know wins ("trench coat" before "coat").

    Args:
        text: English, any case.
    """
    tokens = _TOKEN.findall(text.lower())
    found: dict[str, list[str]] = {kind: [] for kind in ("category", "color", "pattern", "attribute", "ignored")}
    known_words, position = 0, 0
    while position < len(tokens):
        length, kind, meaning = _longest_match(tokens, position)
        if kind:
            found[kind].append(meaning)
            known_words += length
        elif tokens[position] not in _STOP:
            found["ignored"].append(tokens[position])
        position += length
    meaningful = known_words + len(found["ignored"])
    unique = {kind: tuple(dict.fromkeys(words)) for kind, words in found.items()}
    return Understanding(
        unique["category"], unique["color"], unique["pattern"], unique["attribute"], unique["ignored"],
        known_words / meaningful if meaningful else 0.0,
    )  # fmt: skip


def _longest_match(tokens: list[str], position: int) -> tuple[int, str, str]:
    for length in range(min(_LONGEST, len(tokens) - position), 0, -1):
        phrase = " ".join(tokens[position : position + length])
        for form in dict.fromkeys((phrase, phrase.removesuffix("s"), phrase.removesuffix("es"), phrase + "s")):
            if form in _lexicon():
                return length, *_lexicon()[form]
    return 1, "", ""


@cache
def _lexicon() -> dict[str, tuple[str, str]]:
    words = {word: ("attribute", word) for word in ATTRIBUTES}
    words |= {word: ("color", color.name) for word, color in by_name().items()}
    words |= {word: ("pattern", pattern) for word, pattern in PATTERNS.items()}
    words |= {word: ("category", category) for word, category in _CATEGORY_WORDS.items()}
    words |= {category: ("category", category) for category in CATEGORIES}
    return words
