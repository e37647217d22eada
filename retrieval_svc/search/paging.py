"""Where a page begins in a list that may have changed since the page before it was shown."""

from __future__ import annotations

from collections.abc import Sequence

# So many of the last matches of a page are remembered: one or two of them may have moved, or be gone.
ANCHORS = 3
# Places by which a list may have grown in front of a page.
WINDOW = 100


def page_places(ranked: Sequence[str], offset: int, size: int, shown: Sequence[str]) -> list[int]:
    """Returns the places of a page that goes on where the page before it ended.

    Behind the middle one of the last matches, of two behind the first: one that has moved does not take the page along,
    so that nothing is left out; the others are not shown again.

    Args:
        ranked: Ids, best first.
        offset: Where the page before ended when it was shown; holds where none of `shown` is left.
        size: How many places at most.
        shown: The last ids of the page before; none for a first page.
    """
    at = {point: place for place, point in enumerate(ranked)}
    left = sorted(at[point] for point in shown if point in at)
    begin = left[(len(left) - 1) // 2] + 1 if left else min(offset, len(ranked))
    return [place for place in range(begin, len(ranked)) if place not in left][:size]
