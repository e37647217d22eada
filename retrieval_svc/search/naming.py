"""Finds the words of a catalogue in a text, in singular and plural and by other names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from retrieval_svc.catalog.vocabulary import Bucket, bucket_of, key

# Other names of what shops sell; they count where the catalogue has the word on the right, and not the one on the left.
CATEGORY_NAMES: Mapping[str, str] = {
    "tee": "t-shirt", "tshirt": "t-shirt", "t shirt": "t-shirt", "trainers": "sneakers", "pants": "trousers",
    "jumper": "sweater", "pullover": "sweater", "handbag": "bag", "purse": "bag", "tote": "bag", "sweatshirt": "hoodie",
    "gown": "dress", "polo shirt": "polo", "chinos": "trousers",
    "pumps": "heels", "high heels": "heels", "beanie": "hat", "gilet": "vest",
}  # fmt: skip
COLOR_NAMES: Mapping[str, str] = {
    "navy blue": "navy", "dark blue": "navy", "gray": "grey", "light gray": "light grey", "off white": "off-white",
    "ivory": "off-white", "maroon": "burgundy", "violet": "purple", "dark green": "forest green",
    "dark grey": "charcoal",
}  # fmt: skip
WORD = re.compile(r"[a-z0-9&][a-z0-9&'.-]*")
_LONGEST = 4


def bucket_of_word(word: str) -> Bucket:
    """Returns the bucket of a word in singular or plural; UNSPECIFIED when it is none."""
    return bucket_of(word) or bucket_of(singular(word))


def words_of(text: str, known: Collection[str], others: Mapping[str, str]) -> list[tuple[str, int, int]]:
    """Finds known terms of up to four words, the longest first, none twice in the same place."""
    words = list(WORD.finditer(text))
    found, at = [], 0
    while at < len(words):
        for count in range(min(_LONGEST, len(words) - at), 0, -1):
            start, end = words[at].start(), words[at + count - 1].end()
            value = _known(key(text[start:end]), known, others)
            if value is not None and not text[start:end].count("  "):
                found.append((value, start, end))
                at += count - 1
                break
        at += 1
    return found


def _known(term: str, known: Collection[str], others: Mapping[str, str]) -> str | None:
    if not term:
        return None
    forms = (term, others.get(term, ""), singular(term), others.get(singular(term), ""), f"{term}s")
    return next((form for form in forms if form in known), None)


def singular(term: str) -> str:
    """Returns the likely singular of a term."""
    for ending, stem in (("sses", "ss"), ("shes", "sh"), ("ies", "y"), ("s", "")):
        if term.endswith(ending) and not term.endswith("ss"):
            return term.removesuffix(ending) + stem
    return term
