from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.unit.vision_svc.garments.drawn import garment, mask_of, photographed_again
from vision_svc.garments.encoder import HandMadeEmbedder, PrototypeTextEmbedder, outfit_vector
from vision_svc.garments.foreground import cut_out
from vision_svc.garments.thumbnail import GarmentView

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def embedder() -> HandMadeEmbedder:
    return HandMadeEmbedder()


@pytest.fixture(scope="module")
def words() -> PrototypeTextEmbedder:
    return PrototypeTextEmbedder()


def embed(embedder: HandMadeEmbedder, *pictures: np.ndarray) -> np.ndarray:
    vectors: np.ndarray = np.stack(embedder.infer([cut_out(picture).view for picture in pictures]))
    return vectors


def color_histogram(picture: np.ndarray) -> np.ndarray:
    hsv = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)
    share = cv2.calcHist([hsv], [0, 1, 2], None, [8, 8, 8], [0, 180, 0, 256, 0, 256]).ravel()
    return np.asarray(np.sqrt(share / share.sum()))


def recall_at_1(queries: np.ndarray, gallery: np.ndarray) -> float:
    return float((np.argmax(queries @ gallery.T, axis=1)[: len(queries)] == np.arange(len(queries))).mean())


def test_a_second_photo_finds_its_garment_among_400(embedder: HandMadeEmbedder) -> None:
    pictures = [garment(seed) for seed in range(400)]
    again = [photographed_again(picture, seed) for seed, picture in enumerate(pictures[:120])]
    ours = recall_at_1(embed(embedder, *again), embed(embedder, *pictures))
    baseline = recall_at_1(np.stack(list(map(color_histogram, again))), np.stack(list(map(color_histogram, pictures))))
    assert ours >= 0.9
    assert ours >= baseline + 0.3


def test_vectors_are_normalised_float32_of_the_stated_dimension(embedder: HandMadeEmbedder) -> None:
    vectors = embed(embedder, garment(1), garment(2))
    assert vectors.dtype == np.float32
    assert vectors.shape == (2, embedder.spec.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_an_empty_batch_gives_nothing(embedder: HandMadeEmbedder) -> None:
    assert embedder.infer([]) == []


def test_batches_change_no_vector(embedder: HandMadeEmbedder) -> None:
    alone = embed(embedder, garment(7))[0]
    assert embed(embedder, garment(3), garment(7), garment(9))[1] == pytest.approx(alone, abs=1e-6)


def test_the_background_plays_no_part(embedder: HandMadeEmbedder) -> None:
    picture = garment(11)
    mask = mask_of(11, picture)
    other = np.where(mask[..., None], picture, np.random.default_rng(0).integers(0, 255, picture.shape, np.uint8))
    first, second = embedder.infer([GarmentView(picture, mask), GarmentView(other, mask)])
    assert float(first @ second) > 0.999


@pytest.mark.parametrize(
    "view", [np.zeros((1, 1, 3), np.uint8), np.zeros((40, 2, 3), np.uint8)], ids=["pixel", "sliver"]
)
def test_tiny_garments_have_finite_vectors(embedder: HandMadeEmbedder, view: np.ndarray) -> None:
    (vector,) = embedder.infer([GarmentView(view, np.ones(view.shape[:2], np.bool_))])
    assert np.isfinite(vector).all()


def test_outfits_weigh_their_garments(embedder: HandMadeEmbedder) -> None:
    first, second = embed(embedder, garment(1), garment(2))
    outfit = outfit_vector([first, second], [0.9, 0.1])
    assert np.linalg.norm(outfit) == pytest.approx(1, abs=1e-5)
    assert outfit @ first > outfit @ second
    assert outfit_vector([first], [0.0]) == pytest.approx(first, abs=1e-6)


HUES = {"red": 0, "yellow": 28, "green": 62, "blue": 112, "purple": 140}


@pytest.mark.parametrize("word", HUES)
def test_color_words_find_their_color(embedder: HandMadeEmbedder, words: PrototypeTextEmbedder, word: str) -> None:
    gallery = embed(embedder, *(garment(seed, "t-shirt", "plain", hue) for hue in HUES.values() for seed in range(6)))
    truth = np.repeat(list(HUES), 6)
    top = truth[np.argsort(-(gallery @ words.embed_text(f"{word} t-shirt").vector))[:5]]
    assert (top == word).sum() >= 4


@pytest.mark.parametrize(("word", "cut"), [("trousers", "trousers"), ("dress", "dress"), ("t-shirt", "t-shirt")])
def test_category_words_find_their_cut(
    embedder: HandMadeEmbedder, words: PrototypeTextEmbedder, word: str, cut: str
) -> None:
    cuts = ("trousers", "dress", "t-shirt")
    gallery = embed(embedder, *(garment(seed, one, "plain") for one in cuts for seed in range(10)))
    top = np.repeat(cuts, 10)[np.argsort(-(gallery @ words.embed_text(word).vector))[:5]]
    assert (top == cut).sum() >= 4


@pytest.mark.parametrize(("word", "pattern"), [("plain", "plain"), ("striped", "stripes"), ("dotted", "dots")])
def test_pattern_words_find_their_pattern(
    embedder: HandMadeEmbedder, words: PrototypeTextEmbedder, word: str, pattern: str
) -> None:
    patterns = ("plain", "stripes", "dots")
    gallery = embed(embedder, *(garment(seed, "skirt", one) for one in patterns for seed in range(10)))
    top = np.repeat(patterns, 10)[np.argsort(-(gallery @ words.embed_text(word).vector))[:5]]
    assert (top == pattern).sum() >= 4


def test_words_without_a_place_are_named(words: PrototypeTextEmbedder) -> None:
    found = words.embed_text("cashmere navy sweater quux")
    assert "quux" in found.weak_reason
    assert "cashmere" in found.weak_reason
    assert 0 < found.understanding.coverage < 0.6


def test_a_text_that_says_nothing_is_any_garment_and_says_so(words: PrototypeTextEmbedder) -> None:
    found = words.embed_text("quux !!! 42")
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-5)
    assert found.understanding.coverage == 0
    assert "any garment" in found.weak_reason


def test_a_text_that_is_understood_is_not_weak(words: PrototypeTextEmbedder) -> None:
    found = words.embed_text("navy striped shirt")
    assert (found.weak_reason, found.understanding.coverage) == ("", 1.0)


def test_a_category_without_a_shape_of_its_own_is_taken_for_its_kin(words: PrototypeTextEmbedder) -> None:
    boots, shoes = words.embed_text("boots"), words.embed_text("shoes")
    assert boots.vector == pytest.approx(shoes.vector)
    assert boots.weak_reason == "boots is taken for shoes"
    assert (boots.understanding.coverage, shoes.weak_reason) == (1.0, "")
