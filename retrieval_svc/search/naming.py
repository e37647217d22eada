"""Finds the words of a catalogue in a text: in singular and plural, by other names, and a little misspelt."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from retrieval_svc.catalog.patterns import PATTERN_GROUPS, PATTERN_NAMES
from retrieval_svc.catalog.vocabulary import Bucket, bucket_of
from retrieval_svc.search.typed_text import runs, tokens_of

# Other names of what shops sell; they count where the catalogue has the word on the right, and not the one on the left.
CATEGORY_NAMES: Mapping[str, str] = {
    "tee": "t-shirt", "tshirt": "t-shirt", "trainers": "sneakers", "pants": "trousers", "slacks": "trousers",
    "jumper": "sweater", "pullover": "sweater", "handbag": "bag", "purse": "bag", "tote": "bag", "sweatshirt": "hoodie",
    "gown": "dress", "polo shirt": "polo", "chinos": "trousers", "hoody": "hoodie", "tee shirt": "t-shirt",
    "pumps": "heels", "high heels": "heels", "beanie": "hat", "gilet": "vest",
}  # fmt: skip
COLOR_NAMES: Mapping[str, str] = {
    "navy blue": "navy", "dark blue": "navy", "gray": "grey", "light gray": "light grey", "off white": "off-white",
    "ivory": "off-white", "maroon": "burgundy", "violet": "purple", "dark green": "forest green",
    "dark grey": "charcoal", "dark gray": "charcoal",
}  # fmt: skip
# Words that mean a place in an outfit, whether or not the catalogue has a category of that name too.
_GENERAL: Mapping[str, Bucket] = {
    "shoe": Bucket.SHOES, "footwear": Bucket.SHOES, "outerwear": Bucket.OUTERWEAR,
    "accessory": Bucket.ACCESSORIES, "bottoms": Bucket.BOTTOM,
}  # fmt: skip
_OTHERS: Mapping[str, Mapping[str, str]] = {
    "categories": CATEGORY_NAMES, "colors": COLOR_NAMES, "patterns": PATTERN_NAMES,
}  # fmt: skip
# Words without their s that are another word, and no garment.
_NO_SINGULARS = frozenset({"short", "tight", "flat", "overall", "slack", "good", "heel"})
_IRREGULAR = {"scarves": "scarf", "women": "woman", "men": "man", "accessories": "accessory"}
_LONGEST = 5

Forms = Mapping[tuple[str, ...], str]
Found = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class ShopWords:
    """The words of a catalogue, as keys.

    Attributes:
        brands: Brands.
        categories: Categories.
        colors: Colour names.
        sizes: Sizes.
        patterns: Names of patterns.
        materials: Materials.
        corrected: Words that were typed, and what was meant by them.
    """

    brands: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    colors: frozenset[str] = frozenset()
    sizes: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    materials: frozenset[str] = frozenset()
    corrected: Mapping[str, str] = field(default_factory=dict)

    def forms(self, name: str) -> Forms:
        """Returns the words by which the values of a field are called, with the value that each stands for."""
        return _forms(name, getattr(self, name))

    def find(self, text: str, name: str) -> list[Found]:
        """Finds values of a field in a folded text: value, start, end; the longest first, none twice in one place."""
        return found_in(text, self.forms(name), self.corrected)


@functools.lru_cache(maxsize=64)
def _forms(name: str, known: frozenset[str]) -> Forms:
    forms: dict[tuple[str, ...], str] = {}
    others = [(other, value) for other, value in _OTHERS.get(name, {}).items() if value in known]
    for term, value in [*((value, value) for value in sorted(known)), *others]:
        tokens = tokens_of(term)
        if tokens:
            forms.setdefault(tokens, value)
    for tokens, value in list(forms.items()):
        last = singular(tokens[-1])
        if last not in _NO_SINGULARS:
            forms.setdefault((*tokens[:-1], last), value)
    return forms


def found_in(text: str, forms: Forms, corrected: Mapping[str, str]) -> list[Found]:
    """Finds forms in a folded text; see `ShopWords.find`."""
    found: list[Found] = []
    for run in runs(text):
        words = [corrected.get(word, word) for word in (match.group().replace("'", "") for match in run)]
        at = 0
        while at < len(words):
            for count in range(min(_LONGEST, len(words) - at), 0, -1):
                value = _value(tuple(words[at : at + count]), forms)
                if value is not None:
                    found.append((value, run[at].start(), run[at + count - 1].end()))
                    at += count - 1
                    break
            at += 1
    return found


def _value(words: tuple[str, ...], forms: Forms) -> str | None:
    return forms.get(words) or forms.get((*words[:-1], singular(words[-1])))


# The words that mean several patterns, as themselves.
GROUPS: Forms = {(word,): word for word in PATTERN_GROUPS}


def buckets_in(text: str) -> list[tuple[Bucket, int, int]]:
    """Finds words for garments in a folded text, whether or not the catalogue has them: bucket, start, end."""
    matches = [match for run in runs(text) for match in run]
    found = [(bucket_of_word(match.group()), match.start(), match.end()) for match in matches]
    return [place for place in found if place[0]]


def bucket_of_word(word: str) -> Bucket:
    """Returns the bucket of a word in singular or plural; UNSPECIFIED when it is none."""
    return bucket_of(word) or bucket_of(singular(word))


def general_bucket(word: str) -> Bucket:
    """Returns the bucket that a word for a whole bucket means; UNSPECIFIED for any other word."""
    return _GENERAL.get(word) or _GENERAL.get(singular(word)) or Bucket.UNSPECIFIED


def singular(term: str) -> str:
    """Returns the likely singular of a term."""
    if term in _IRREGULAR:
        return _IRREGULAR[term]
    for ending, stem in (("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("ies", "y"), ("s", "")):
        if term.endswith(ending) and not term.endswith("ss"):
            return term.removesuffix(ending) + stem
    return term


def misspelt(text: str, known: ShopWords) -> dict[str, str]:
    """Returns words of a text that may be categories, colours or patterns with one letter wrong, and these.

    Two letters that changed places are one; the first letter is right, and of four letters one may only be missing.
    Whether such a word has a meaning of its own is for the caller to find out.

    Args:
        text: Folded.
        known: The words of the catalogue.
    """
    fields = (known.categories, known.colors, known.patterns)
    there = {word for terms in fields for term in terms for word in tokens_of(term)}
    names = ("categories", "colors", "patterns", "brands", "materials", "sizes")
    sure = {word for name in names for form in known.forms(name) for word in form}
    found: dict[str, str] = {}
    for run in runs(text):
        for word in (match.group() for match in run):
            if len(word) < 4 or word in sure or singular(word) in sure or bucket_of_word(word):
                continue
            near = {other for other in there if _one_off(word, other)}
            if len(near) == 1 or (near and len({singular(other) for other in near}) == 1):
                found[word] = min(near)
    return found


def _one_off(typed: str, meant: str) -> bool:
    """Tells whether one letter is missing, too many, wrong, or two neighbours have changed places."""
    if typed[:1] != meant[:1] or abs(len(typed) - len(meant)) > 1 or typed == meant:
        return False
    if len(typed) < 5:
        return len(meant) == len(typed) + 1 and _dropped(meant, typed)
    if len(typed) != len(meant):
        return _dropped(meant, typed) if len(meant) > len(typed) else _dropped(typed, meant)
    apart = [place for place, (one, other) in enumerate(zip(typed, meant, strict=True)) if one != other]
    swapped = len(apart) == 2 and apart[1] == apart[0] + 1 and typed[apart[0]] == meant[apart[1]]
    return len(apart) == 1 or (swapped and typed[apart[1]] == meant[apart[0]])


def _dropped(longer: str, shorter: str) -> bool:
    return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))


def shades(color: str, known: Collection[str]) -> tuple[str, ...]:
    """Returns a colour with its shades in a catalogue, as exclusions mean them: not blue is not light blue either."""
    family = {"blue": ("navy",)}.get(color, ())
    return (
        color,
        *(name for name in sorted(known) if name != color and (name in family or name.endswith(f" {color}"))),
    )
