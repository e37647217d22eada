from __future__ import annotations

import pytest

from vision_svc.garments.types import Bucket
from vision_svc.garments.vocabulary import understand

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "categories", "colors", "patterns", "attributes", "ignored"),
    [
        pytest.param("", (), (), (), (), (), id="empty"),
        pytest.param("navy striped shirt", ("shirt",), ("navy",), ("striped",), (), (), id="plain case"),
        pytest.param("I want a Trench Coat", ("coat",), (), (), (), (), id="longest phrase wins"),
        pytest.param("light blue jeans", ("jeans",), ("light blue",), (), (), (), id="two-word colour"),
        pytest.param("polka dot dresses", ("dress",), (), ("dotted",), (), (), id="plural"),
        pytest.param("oversized wool jumper", ("sweater",), (), (), ("oversized", "wool"), (), id="attributes"),
        pytest.param("red, white and blue tee", ("t-shirt",), ("red", "white", "blue"), (), (), (), id="many colours"),
        pytest.param("shirt shirts", ("shirt",), (), (), (), (), id="said twice"),
        pytest.param("xyzzy under 50", (), (), (), (), ("xyzzy", "under", "50"), id="unknown words"),
    ],
)
def test_words_are_understood(
    text: str, categories: object, colors: object, patterns: object, attributes: object, ignored: object
) -> None:
    said = understand(text)
    assert (said.categories, said.colors, said.patterns, said.attributes, said.ignored) == (
        categories, colors, patterns, attributes, ignored,
    )  # fmt: skip


def test_buckets_follow_the_categories() -> None:
    assert understand("jacket, coat and boots").buckets == (Bucket.OUTERWEAR, Bucket.SHOES)


@pytest.mark.parametrize(("text", "coverage"), [("", 0.0), ("a the", 0.0), ("red quux", 0.5), ("red shirt", 1.0)])
def test_coverage_counts_meaningful_words(text: str, coverage: float) -> None:
    assert understand(text).coverage == coverage
