"""Words that were typed a little wrong, and the words of a catalogue that were meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

from retrieval_svc.search.naming import ShopWords, bucket_of_word
from retrieval_svc.search.typed_text import runs, singular, tokens_of

# Fields whose words are worth a correction, and those whose words are right as they are.
_MEANT = ("categories", "colors", "patterns", "materials")
_SURE = (*_MEANT, "brands", "sizes")
# From so many letters on, a word may have two of them wrong.
_LONG = 8
# Everyday words that are one letter from a garment or a colour, and mean something else.
_EVERYDAY = frozenset(
    re.findall(
        r"\w+",
        "bells belly belted boats bolts boxed boxes brawn breach brews bright broad brow coast coasted coasts "
        "costs costume cosy couch creamy dream dressed dresser dressy fits fleet flooring grain grape great greed "
        "greek greet hooded lather leader linear lined loose paints panty parts party place places plains planes "
        "pleated polish polite pools raced reads ready scare scart shared sharp sheet sheets shift shine shiny "
        "ships shirty shops shore short shorter shot shots skill solar solid spring strings strip stripped strong "
        "swear sweaty sweet tall tight toast toes trait trendy trial trip trips vast visit waist warm whale where "
        "while wide wise woods worn",
    )
)


def misspelt(text: str, known: ShopWords) -> dict[str, str]:
    """Returns words of a text that may be words of the shop with a letter wrong, in long ones two, and these.

    Two letters that changed places are one; the first letter is right, and of four letters one may only be missing.
    Whether such a word has a meaning of its own is for the caller to find out.

    Args:
        text: Folded.
        known: The words of the catalogue.
    """
    sure = {word for name in _SURE for form in known.forms(name) for word in form}
    there = {word for name in _MEANT for form in known.forms(name) for word in form if len(word) > 3}
    there |= {word for terms in (known.categories, known.colors) for term in terms for word in tokens_of(term)}
    found: dict[str, str] = {}
    words = [match.group() for run in runs(text) for match in run]
    for number, word in enumerate(words):
        if len(word) < 4 or word in sure or word in _EVERYDAY or singular(word) in sure or bucket_of_word(word):
            continue
        if any("".join(pair) in sure for pair in (words[number : number + 2], words[max(number - 1, 0) : number + 1])):
            continue  # one half of a word that was typed as two
        meant = _nearest(word, there)
        if meant:
            found[word] = meant
    return found


def _nearest(word: str, there: Iterable[str]) -> str:
    """Returns the one word that is nearest, in singular and plural; nothing where several are."""
    options = [other for other in there if other[:1] == word[:1] and abs(len(other) - len(word)) < 3]
    near = {other for other in options if _one_off(word, other)}
    if not near and len(word) >= _LONG:
        near = {other for other in options if len(other) >= _LONG - 1 and edits(word, other) == 2}
    if len(near) == 1 or (near and len({singular(other) for other in near}) == 1):
        return min(near)
    return ""


def _one_off(typed: str, meant: str) -> bool:
    if len(typed) < 5 and len(meant) != len(typed) + 1:
        return False
    return edits(typed, meant) == 1


def edits(one: str, other: str) -> int:
    """Returns how many letters must be added, left out, changed or swapped with a neighbour to get from one to another.

    The distance of optimal string alignment (Damerau 1964), which changes no place twice.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        above, before, row = before, row, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and right == one[i - 2]:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
