"""Links that come in for a product that has pictures of our own."""

from __future__ import annotations

import pytest

from retrieval_svc.catalog.product import Picture, merged_pictures

pytestmark = pytest.mark.unit


def own(name: str, url: str = "", alt_text: str = "") -> Picture:
    return Picture(name * 32, url, alt_text, 60, 80)


def link(url: str, alt_text: str = "") -> Picture:
    return Picture(url=url, alt_text=alt_text)


CASES = [
    pytest.param([], [], [], id="nothing"),
    pytest.param([], [own("a")], [own("a")], id="nothing-said-keeps-copy"),
    pytest.param([], [link("u")], [link("u")], id="nothing-said-keeps-link"),
    pytest.param([link("u")], [], [link("u")], id="first-link"),
    pytest.param([link("v")], [link("u")], [link("v")], id="link-replaces-link"),
    pytest.param([link("u", "x")], [own("a")], [own("a"), link("u", "x")], id="link-beside-copy"),
    pytest.param([link("v")], [own("a"), link("u")], [own("a"), link("v")], id="link-replaces-link-beside-copy"),
    pytest.param([link("u")], [own("a", "u", "x")], [own("a", "u", "x")], id="link-of-the-copy"),
    pytest.param([link("u", "y")], [own("a", "u", "x")], [own("a", "u", "y")], id="new-text-for-the-copy"),
    pytest.param([link("v"), link("u", "y")], [own("a", "u")], [own("a", "u", "y"), link("v")], id="other-order"),
    pytest.param([link("", "y")], [own("a", "u", "x")], [own("a", "u", "y")], id="text-alone-by-place"),
    pytest.param([link(""), link("", "y")], [own("a"), own("b")], [own("a"), own("b", "", "y")], id="second-text"),
    pytest.param([link("")] * 2, [own("a")], [own("a")], id="empty-beyond-the-copies"),
    pytest.param([link("u"), link("u")], [own("a")], [own("a"), link("u")], id="link-stated-twice"),
]


@pytest.mark.parametrize(("stated", "known", "expected"), CASES)
def test_our_copies_stay_and_links_come_beside_them(
    stated: list[Picture], known: list[Picture], expected: list[Picture]
) -> None:
    assert merged_pictures(stated, known) == tuple(expected)


@pytest.mark.parametrize(("stated", "known", "expected"), CASES)
def test_what_was_read_changes_nothing_when_it_is_sent_again(
    stated: list[Picture],  # noqa: ARG001 - the same table
    known: list[Picture],  # noqa: ARG001
    expected: list[Picture],
) -> None:
    sent = [Picture(url=picture.url, alt_text=picture.alt_text) for picture in expected]  # names are output only
    assert merged_pictures(sent, expected) == tuple(expected)
