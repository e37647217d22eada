"""A typed text in the form in which it is read: as long as it was, so that every place in it still fits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

# What was read already. Nothing that is looked for holds it, so that no words are joined over it.
GONE = "\0"
_SAME = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4\u0060\uff07", "'"),
}
_IRREGULAR = {"scarves": "scarf", "women": "woman", "men": "man", "accessories": "accessory"}
TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|&")


def folded(text: str) -> str:
    """Returns a text in lower case, with plain letters, blanks, dashes and quotes; each character has its own place.

    Args:
        text: Any text. `É` becomes `e`, a no-break space a space, an en dash `-`; what has no single plain form stays.
    """
    return "".join(_folded(character) for character in text)


def _folded(character: str) -> str:
    character = _SAME.get(character, character)
    if character.isspace():
        return " "
    parts = unicodedata.normalize("NFKD", character)
    base = "".join(part for part in parts if not unicodedata.combining(part)).lower()
    return base if len(base) == 1 else character


def tokens_of(term: str) -> tuple[str, ...]:
    """Returns the words of a term as they are compared: `Levi's T-Shirt` is levis, t, shirt."""
    return tuple(match.group().replace("'", "") for match in TOKEN.finditer(folded(term)))


def runs(text: str) -> Iterator[list[re.Match[str]]]:
    """Yields the words of a folded text that stand together, with blanks, dashes and points between them at most."""
    run: list[re.Match[str]] = []
    for match in TOKEN.finditer(text):
        if run and text[run[-1].end() : match.start()].strip(" -."):
            yield run
            run = []
        run.append(match)
    if run:
        yield run


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Returns a text without some parts of it, in its old length."""
    for start, end in spans:
        text = text[:start] + GONE * (end - start) + text[end:]
    return text


def remaining(text: str, left: str) -> str:
    """Returns what is left of a text, as it was typed.

    Args:
        text: As it was typed.
        left: The same folded, with parts blanked.
    """
    kept = "".join(" " if new == GONE else old for old, new in zip(text, left, strict=True))
    return " ".join(word for word in kept.split() if any(map(str.isalnum, word)) or word == "&")


def singular(term: str) -> str:
    """Returns the likely singular of a term."""
    if term in _IRREGULAR:
        return _IRREGULAR[term]
    for ending, stem in (("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("ies", "y"), ("s", "")):
        if term.endswith(ending) and not term.endswith("ss"):
            return term.removesuffix(ending) + stem
    return term
