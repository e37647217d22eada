"""Finds the words of a catalogue in a text: in singular and plural, by other names, and a little misspelt."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from retrieval_svc.catalog.patterns import PATTERN_GROUPS, PATTERN_NAMES
from retrieval_svc.catalog.vocabulary import Bucket, bucket_of
from retrieval_svc.search import color_words, material_words
from retrieval_svc.search.synonyms import ALSO, BUCKET_WORDS, CATEGORY_NAMES, GENERAL, KINDS, kinds_of
from retrieval_svc.search.typed_text import runs, singular, tokens_of

# Words without their s that are another word, and no garment.
_NO_SINGULARS = frozenset({"short", "tight", "flat", "overall", "slack", "good", "heel"})
_LONGEST = 5
# Words of a shop that may be typed in two ("sweat shirt") have so many letters; "x l" is no word.
_LEAST_JOINED = 6
_JOINABLE = ("categories", "colors", "patterns")

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

    def meant(self, name: str, value: str) -> tuple[str, ...]:
        """Returns what a value that was read asks for: a plain colour its shades, "hats" caps too."""
        if name == "colors":
            return color_words.widened(value, self.colors) or (value,)
        if name == "categories":
            return _kinds(value, self.categories) or (value,)
        return (value,)

    def find(self, text: str, name: str) -> list[Found]:
        """Finds values of a field in a folded text: value, start, end; the longest first, none twice in one place."""
        return found_in(text, self.forms(name), self.corrected)


@functools.lru_cache(maxsize=64)
def _forms(name: str, known: frozenset[str]) -> Forms:
    forms: dict[tuple[str, ...], str] = {}
    for term, value in [*((value, value) for value in sorted(known)), *_others(name, known)]:
        tokens = tokens_of(term)
        if tokens:
            forms.setdefault(tokens, value)
    for tokens, value in list(forms.items()):
        last = singular(tokens[-1])
        if last not in _NO_SINGULARS:
            forms.setdefault((*tokens[:-1], last), value)
    if name in _JOINABLE:
        for tokens, value in list(forms.items()):
            forms.setdefault(("".join(tokens),), value)
    return forms


def _others(name: str, known: frozenset[str]) -> list[tuple[str, str]]:
    """Returns words that the catalogue does not use itself, with the value that each means."""
    if name == "colors":
        return list(color_words.other_names(known).items())
    if name == "materials":
        return list(material_words.other_names(known).items())
    if name == "patterns":
        return [(other, value) for other, value in PATTERN_NAMES.items() if value in known]
    if name != "categories":
        return []
    families = [(family, family) for family in KINDS if _kinds(family, known)]
    closest = [(other, [value for value in values if value in known]) for other, values in CATEGORY_NAMES.items()]
    # "Beanie" is a kind of hat, but where there is headwear that is closer: the table goes before the families.
    return [*((other, values[0]) for other, values in closest if values and other not in known), *families]


@functools.lru_cache(maxsize=256)
def _kinds(category: str, known: frozenset[str]) -> tuple[str, ...]:
    return kinds_of(category, known, {name: singular(name) for name in (category, *known)})


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
    value = forms.get(words) or forms.get((*words[:-1], singular(words[-1])))
    if value is None and len(words) == 2 and len("".join(words)) >= _LEAST_JOINED and all(map(str.isalpha, words)):
        joined = "".join(words)
        value = forms.get((joined,)) or forms.get((singular(joined),))
    return value


# The words that mean several patterns, as themselves.
GROUPS: Forms = {(word,): word for word in PATTERN_GROUPS}
_ALSO: Forms = {tokens_of(word): ours[0] for word, ours in ALSO.items()}


def also_compared(text: str, corrected: Mapping[str, str]) -> list[str]:
    """Returns words that shops write where a folded text says something else: `office` for a job interview."""
    return list(dict.fromkeys(word for ours, _, _ in found_in(text, _ALSO, corrected) for word in ours.split()))


def buckets_in(text: str) -> list[tuple[Bucket, int, int]]:
    """Finds words for garments in a folded text, whether or not the catalogue has them: bucket, start, end."""
    matches = [match for run in runs(text) for match in run]
    found = [(bucket_of_word(match.group()), match.start(), match.end()) for match in matches]
    return [place for place in found if place[0]]


def bucket_of_word(word: str) -> Bucket:
    """Returns the bucket of a word in singular or plural; UNSPECIFIED when it is none."""
    known = bucket_of(word) or bucket_of(singular(word))
    return known or BUCKET_WORDS.get(word) or BUCKET_WORDS.get(singular(word)) or Bucket.UNSPECIFIED


def general_bucket(word: str) -> Bucket:
    """Returns the bucket that a word for a whole bucket means; UNSPECIFIED for any other word."""
    return GENERAL.get(word) or GENERAL.get(singular(word)) or Bucket.UNSPECIFIED
