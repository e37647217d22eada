"""Strategies for outfits: arbitrary ones, and those of a small wardrobe that is worn again and again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from profile_svc.taste.evidence import SeenColor, SeenEmbedding, SeenGarment, Sighting, StyleScores

percent = st.floats(0, 100, width=32)
share = st.floats(0, 1, width=32)
colors = st.builds(
    SeenColor, st.sampled_from(["red", "navy"]), st.just(""),
    st.tuples(percent, st.floats(-128, 128, width=32), st.floats(-128, 128, width=32)), share,
)  # fmt: skip
DIMENSIONS = {"m/1": 4, "n/1": 3}


def _of_model(model: str) -> st.SearchStrategy[SeenEmbedding]:
    values = st.lists(st.floats(-1, 1, width=32), min_size=DIMENSIONS[model], max_size=DIMENSIONS[model])
    return values.map(lambda numbers: SeenEmbedding(model, np.asarray(numbers, dtype=np.float32)))


embeddings = _of_model("m/1") | _of_model("n/1")
garments = st.builds(
    SeenGarment,
    garment_id=st.text(min_size=1, max_size=5),
    bucket=st.sampled_from(["", "top", "shoes", "accessories"]),
    category=st.sampled_from(["", "coat"]),
    score=share,
    colors=st.lists(colors, max_size=2).map(tuple),
    pattern=st.sampled_from(["", "plain", "patterned", "floral"]),
    pattern_score=share,
    silhouette=st.sampled_from(["", "slim", "regular", "oversized"]),
    style=st.none() | st.builds(StyleScores, percent, percent, percent),
    confidence=st.dictionaries(st.sampled_from(["colors", "style", "pattern"]), share),
    embedding=st.none() | embeddings,
)


def _owned(number: int) -> SeenGarment:
    """The last two are seen by another model."""
    rng = np.random.default_rng(number)
    model = "m/1" if number < 4 else "n/1"
    values = rng.normal(size=DIMENSIONS[model])
    lab = (float(rng.uniform(10, 90)), float(rng.uniform(-60, 60)), float(rng.uniform(-60, 60)))
    return SeenGarment(
        garment_id=f"g{number}",
        bucket=("top", "bottom", "outerwear")[number % 3],
        category=("shirt", "trousers", "coat")[number % 3],
        score=0.9,
        colors=(SeenColor("colour", "", lab, 1.0),),
        pattern="plain",
        style=StyleScores(*(float(value) for value in rng.uniform(0, 100, 3))),
        embedding=SeenEmbedding(model, (values / np.linalg.norm(values)).astype(np.float32)),
    )


WARDROBE = tuple(_owned(number) for number in range(6))
owned = st.sampled_from(WARDROBE)
bare = st.one_of(garments, owned).map(lambda item: replace(item, embedding=None))
looks = st.lists(garments | owned, min_size=1, max_size=3) | st.lists(bare, min_size=1, max_size=2)
sightings = st.builds(Sighting, looks.map(tuple), st.none() | embeddings)
"""Any outfit, also with garments of the wardrobe, so that some are seen again, by one model or two; often with a vector
of the whole picture, which speaks where no garment has one."""

MOMENTS_S = tuple(hours * 3600.0 for hours in (0, 0.1, 3.9, 4, 4.1, 8, 23, 29, 100))
moments_s = st.sampled_from(MOMENTS_S)
