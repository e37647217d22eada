"""Where a page begins in a list that has changed since the page before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval_svc.search.paging import page_places

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("ranked", "page"),
    [
        ("abcdef", "de"), ("xabcdef", "de"), ("bcdef", "de"), ("abdef", "de"), ("adef", "de"), ("xyef", "f"),
        ("abdefc", "de"), ("cabdef", "de"), ("xyzabcdef", "de"), ("abxcdef", "xd"), ("", ""), ("ab", ""),
    ],
    ids=[
        "unchanged", "one-more-before", "one-less-before", "the-last-is-gone", "two-are-gone", "all-three-are-gone",
        "the-last-fell", "the-last-rose", "three-more-before", "one-more-between", "nothing-left", "nothing-behind",
    ],
)  # fmt: skip
def test_page_goes_on_behind_what_was_shown(ranked: str, page: str) -> None:
    places = page_places(list(ranked), 3, 2, ["c", "b", "a"])
    assert "".join(ranked[place] for place in places) == page


def test_a_page_without_anchors_goes_on_by_number() -> None:
    assert page_places(list("abcdef"), 4, 5, []) == [4, 5]


@settings(deadline=None)
@given(st.sets(st.integers(0, 19)), st.lists(st.tuples(st.integers(100, 140), st.integers(0, 20)), max_size=8))
def test_a_changing_list_shows_everything_that_stays_once(gone: set[int], new: list[tuple[int, int]]) -> None:
    """Two pages of 10 of 20 things; between them some go and others come in."""
    first, second = [str(number) for number in range(10)], [str(number) for number in range(10, 20)]
    after = [item for item in (*first, *second) if int(item) not in gone]
    for item, place in new:
        after.insert(place, str(item))
    page = [after[place] for place in page_places(after, 10, 100, [first[9], first[8], first[7]])]
    if not {7, 8, 9} <= gone:
        assert [item for item in page if int(item) < 20] == [item for item in second if int(item) not in gone]
