"""Names of patterns: what shops and people call them, and what says nothing certain."""

from __future__ import annotations

import pytest

from retrieval_svc.catalog.patterns import effective_pattern, pattern_of, patterns_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", ""), ("plain", "plain"), ("Solid Colour", "plain"),
        ("STRIPES", "striped"), ("vertical stripes", "striped"),
        ("Polka-Dot", "dotted"), ("tartan", "checked"), ("Floral print", "floral"), ("slogan", "graphic"),
        ("camouflage", "camouflage"), ("Animal Print", "animal print"), ("patterned", ""), ("other", ""), ("N/A", ""),
    ],
    ids=lambda value: value or "empty",
)  # fmt: skip
def test_pattern_of_a_shop(text: str, name: str) -> None:
    assert pattern_of(text) == name


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ()), (["Stripes", "plaid"], ("striped", "checked")), (["printed"], ("dotted", "floral", "graphic")),
        (["floral", "flowers"], ("floral",)), (["Camouflage"], ("camouflage",)), (["none"], ("none",)),
    ],
    ids=["nothing", "two", "several-by-one-word", "the-same-twice", "a-shops-own-word", "none-is-no-pattern"],
)  # fmt: skip
def test_patterns_that_a_filter_names(words: list[str], names: tuple[str, ...]) -> None:
    assert patterns_of(words) == names


@pytest.mark.parametrize(
    ("stated", "seen", "name"),
    [("Stripes", "plain", "striped"), ("", "plain", "plain"), ("patterned", "floral", "floral"), ("mixed", "", "")],
    ids=["the-shop-knows-better", "seen", "seen-more-exactly", "nothing-certain"],
)
def test_what_the_shop_says_counts_more_than_what_is_seen(stated: str, seen: str, name: str) -> None:
    assert effective_pattern(stated, seen) == name
