"""Words for materials: who avoids wool means merino and "80 % wool" too, but nothing that is free of wool."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping

from retrieval_svc.catalog.vocabulary import key
from retrieval_svc.search.typed_text import folded, singular, tokens_of

# What shops write for a material otherwise. "Linen" has no stem of its own, so that endings alone would not do.
_STEMS: Mapping[str, str] = {
    "woollen": "wool", "woolen": "wool", "woolly": "wool", "wooly": "wool", "silken": "silk",
    "rubberised": "rubber", "rubberized": "rubber", "spandex": "elastane", "lycra": "elastane", "polyamide": "nylon",
}  # fmt: skip
# Kinds that are called by their own name. Cashmere, mohair and alpaca are other hair, and named as such.
_KINDS: Mapping[str, frozenset[str]] = {
    "wool": frozenset({"merino"}),
    "leather": frozenset({"suede", "nubuck", "nappa", "sheepskin", "calfskin", "lambskin", "cowhide"}),
    "fur": frozenset({"shearling", "sheepskin", "rabbit", "fox", "mink"}),
    "down": frozenset({"goosedown"}),
}
# Behind these a material is imitated, before those it is missing.
_IMITATED = frozenset({"faux", "vegan", "imitation", "artificial", "fake", "mock", "synthetic"})
_MISSING = frozenset({"free", "less", "look", "effect"})
# A word that ends in so long a name is of it: lambswool, pigskin leather written as one.
_LEAST_JOINED = 4
# Parts of a list that a person wrote into one entry.
_SEPARATORS = re.compile(r"[,/;|+&]|\band\b|\bor\b")


def avoided_materials(names: Iterable[str], shop: Collection[str], named: Collection[str] = ()) -> tuple[str, ...]:
    """Returns the materials of a shop that a person avoids, each once.

    Args:
        names: What the person avoids, in any form, also several in one entry.
        shop: The materials of the shop, as keys.
        named: Materials that the search asks for itself: these count more.
    """
    wanted = {_stems(name) for name in named}
    found: list[str] = []
    for part in (key(part) for name in names for part in _SEPARATORS.split(folded(name))):
        stems = _stems(part)
        if stems and stems not in wanted:
            found += [part, *(material for material in sorted(shop) if material not in named and _has(material, stems))]
    return tuple(dict.fromkeys(found))


def made_of(name: str, shop: Collection[str]) -> tuple[str, ...]:
    """Returns the materials of a shop that a word means: itself, and those that have it in them."""
    return avoided_materials((name,), shop) or (name,)


def other_names(known: Collection[str]) -> dict[str, str]:
    """Returns words for materials that a catalogue does not use itself, each with what it is called plainly."""
    plain = {stem for name in known for stem in _stems(name)[-1:]} - _IMITATED - _MISSING
    plain |= {family for family, kinds in _KINDS.items() if kinds & plain}
    names = {stem: stem for stem in sorted(plain)}
    names |= {word: stem for word, stem in _STEMS.items() if stem in plain or stem in known}
    return {word: stem for word, stem in names.items() if word not in known}


def _has(material: str, stems: tuple[str, ...]) -> bool:
    """Tells whether a material has all of these stems in it, neither imitated nor missing."""
    words = _stems(material)
    imitated = bool(set(words) & _IMITATED) and not set(stems) & _IMITATED
    return not imitated and all(_is_in(stem, words) for stem in stems)


def _is_in(stem: str, words: tuple[str, ...]) -> bool:
    kinds = _KINDS.get(stem, frozenset())
    for word, behind in zip(words, (*words[1:], ""), strict=True):
        joined = len(stem) >= _LEAST_JOINED and word.endswith(stem)
        if (joined or word == stem or word in kinds) and behind not in _MISSING:
            return True
    return False


@functools.lru_cache(maxsize=4096)
def _stems(name: str) -> tuple[str, ...]:
    """Returns the words of a name in the form in which they are compared; shares ("80 %") are no words."""
    words = (word for word in tokens_of(name) if not word.isdigit() and word != "&")
    return tuple(_STEMS.get(word) or _STEMS.get(singular(word)) or singular(word) for word in words)
