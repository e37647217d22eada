"""The trained encoder: its promises about vectors, and what its words find among drawn products."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from retrieval_svc.catalog.demo.export import DEFAULT_SEED, demo_products
from tests.unit.vision_svc.garments.drawn import garment, mask_of, photographed_again
from vision_svc.garments import fashion_space as space
from vision_svc.garments.encoder import outfit_vector
from vision_svc.garments.fashion import SPEC, WEIGHTS_FILE, FashionEmbedder
from vision_svc.garments.fashion_words import FashionTextEmbedder
from vision_svc.garments.foreground import cut_out
from vision_svc.garments.kinds import GROUPS, KINDS, PATTERN_KINDS
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.vocabulary import CATEGORIES

pytestmark = pytest.mark.unit

_PRODUCTS = 160


@dataclass(frozen=True)
class Shop:
    """Drawn products of a seed that the encoder was not trained on, and their vectors."""

    categories: np.ndarray
    patterns: np.ndarray
    colors: np.ndarray
    vectors: np.ndarray


@pytest.fixture(scope="module")
def embedder() -> FashionEmbedder:
    return FashionEmbedder()


@pytest.fixture(scope="module")
def words() -> FashionTextEmbedder:
    return FashionTextEmbedder()


@pytest.fixture(scope="module")
def shop(embedder: FashionEmbedder) -> Shop:
    products = list(demo_products(_PRODUCTS, DEFAULT_SEED))
    return Shop(
        np.array([product.row["category"] for product in products]),
        np.array([product.row["pattern"] for product in products]),
        np.array([product.row["colors"].split("#")[0] for product in products]),
        embed(embedder, *(product.rendering.image_bgr for product in products)),
    )


def embed(embedder: FashionEmbedder, *pictures: np.ndarray) -> np.ndarray:
    vectors: np.ndarray = np.stack(embedder.infer([cut_out(picture).view for picture in pictures]))
    return vectors


def top(shop: Shop, words: FashionTextEmbedder, text: str, count: int = 5) -> np.ndarray:
    return np.asarray(np.argsort(-(shop.vectors @ words.embed_text(text).vector))[:count])


# ---- vectors


def test_vectors_are_normalised_float32_of_the_stated_dimension(embedder: FashionEmbedder) -> None:
    vectors = embed(embedder, garment(1), garment(2))
    assert vectors.dtype == np.float32
    assert vectors.shape == (2, SPEC.dimension)
    assert SPEC.dimension == 35 + 6 + 95 + 48 + 24 + 48 == 256
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_each_block_has_its_documented_share(embedder: FashionEmbedder) -> None:
    (vector,) = embed(embedder, garment(5))
    assert sum(space.WEIGHTS.values()) == pytest.approx(1)
    for name, place in space.BLOCKS.items():
        assert float((vector[place] ** 2).sum()) == pytest.approx(space.WEIGHTS[name], abs=1e-4)


def test_the_same_picture_gives_the_same_numbers(embedder: FashionEmbedder) -> None:
    assert np.array_equal(embed(embedder, garment(4)), embed(FashionEmbedder(), garment(4)))


def test_an_empty_batch_gives_nothing(embedder: FashionEmbedder) -> None:
    assert embedder.infer([]) == []


def test_batches_change_no_vector(embedder: FashionEmbedder) -> None:
    alone = embed(embedder, garment(7))[0]
    assert embed(embedder, garment(3), garment(7), garment(9))[1] == pytest.approx(alone, abs=1e-5)


def test_the_background_plays_no_part(embedder: FashionEmbedder) -> None:
    picture = garment(11)
    mask = mask_of(11, picture)
    other = np.where(mask[..., None], picture, np.random.default_rng(0).integers(0, 255, picture.shape, np.uint8))
    first, second = embedder.infer([GarmentView(picture, mask), GarmentView(other, mask)])
    assert np.array_equal(first, second)


def test_room_around_the_mask_plays_no_part(embedder: FashionEmbedder) -> None:
    view = cut_out(garment(12)).view
    wide = ((30, 8), (3, 40))
    roomy = GarmentView(np.pad(view.image_bgr, (*wide, (0, 0))), np.pad(view.mask, wide))
    first, second = embedder.infer([view, roomy])
    assert np.array_equal(first, second)


@pytest.mark.parametrize("shape", [(1, 1), (40, 2), (3, 500)], ids=["pixel", "upright sliver", "flat sliver"])
@pytest.mark.parametrize("inside", [True, False], ids=["mask", "empty mask"])
def test_tiny_garments_have_finite_vectors(embedder: FashionEmbedder, shape: tuple[int, int], inside: bool) -> None:
    (vector,) = embedder.infer([GarmentView(np.zeros((*shape, 3), np.uint8), np.full(shape, inside))])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_dyeing_a_garment_moves_the_color_block_and_hardly_the_others(embedder: FashionEmbedder) -> None:
    red, blue = embed(embedder, garment(6, "t-shirt", "plain", 0), garment(6, "t-shirt", "plain", 112))
    moved = {name: float(space.block_of(red, name) @ space.block_of(blue, name)) for name in space.BLOCKS}
    assert moved["color"] < 0.5
    assert min(moved["kind"], moved["look"]) > 0.8


def test_a_second_photo_finds_its_garment_among_300(embedder: FashionEmbedder) -> None:
    pictures = [garment(seed) for seed in range(300)]
    again = [photographed_again(picture, seed) for seed, picture in enumerate(pictures[:80])]
    nearest = np.argmax(embed(embedder, *again) @ embed(embedder, *pictures).T, axis=1)
    assert float((nearest == np.arange(80)).mean()) >= 0.9


def test_the_kind_block_reads_as_chances(shop: Shop) -> None:
    kinds = space.chances(shop.vectors, "kind")
    assert kinds.sum(axis=1) == pytest.approx(1, abs=1e-4)
    named = np.array(KINDS)[kinds.argmax(axis=1)]
    assert float((named == shop.categories).mean()) >= 0.8
    patterns = np.array(PATTERN_KINDS)[space.chances(shop.vectors, "pattern").argmax(axis=1)]
    assert float((patterns == shop.patterns).mean()) >= 0.8


def test_outfits_weigh_their_garments(embedder: FashionEmbedder) -> None:
    first, second = embed(embedder, garment(1), garment(2))
    outfit = outfit_vector([first, second], [0.9, 0.1])
    assert np.linalg.norm(outfit) == pytest.approx(1, abs=1e-5)
    assert outfit @ first > outfit @ second


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(WEIGHTS_FILE.read_bytes()[:1000])
    with pytest.raises(Exception, match=r"(?i)header|invalid"):
        FashionEmbedder(broken)
    with pytest.raises(ValueError, match=r"space\.look_mean: expected an array of shape \(192,\), got None"):
        space.space_of({})


def test_the_weights_are_small() -> None:
    assert WEIGHTS_FILE.stat().st_size <= 4_000_000


# ---- words

CATEGORY_WORDS = [
    "t-shirt", "shirt", "blouse", "sweater", "hoodie", "blazer", "coat", "trousers", "jeans", "shorts", "skirt",
    "dress", "jumpsuit", "sneakers", "boots", "bag", "hat",
]  # fmt: skip


@pytest.mark.parametrize("word", CATEGORY_WORDS)
def test_category_words_find_their_kind(shop: Shop, words: FashionTextEmbedder, word: str) -> None:
    known = int((shop.categories == word).sum())
    found = shop.categories[top(shop, words, word, min(5, known))]
    assert (found == word).mean() >= 0.6


@pytest.mark.parametrize(
    ("word", "kinds"),
    [("tee", {"t-shirt"}), ("pants", {"trousers"}), ("parka", {"coat"}), ("outerwear", set(GROUPS["outerwear"])),
     ("headwear", set(GROUPS["headwear"])), ("trainers", {"sneakers"}), ("handbag", {"bag"}),
     ("formal", {"blazer", "heels", "coat", "suit", "shirt", "blouse", "dress"}),
     ("sporty", {"hoodie", "sweatshirt", "leggings", "shorts", "sneakers", "tank top", "cap", "t-shirt", "body"})],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_synonyms_groups_and_occasions(shop: Shop, words: FashionTextEmbedder, word: str, kinds: set[str]) -> None:
    found = shop.categories[top(shop, words, word)]
    assert np.isin(found, list(kinds)).sum() >= 3
    assert words.embed_text(word).understanding.coverage == 1


@pytest.mark.parametrize("pattern", ["striped", "checked", "dotted", "floral"])
def test_pattern_words_find_their_pattern(shop: Shop, words: FashionTextEmbedder, pattern: str) -> None:
    known = int((shop.patterns == pattern).sum())
    assert (shop.patterns[top(shop, words, pattern, min(5, known))] == pattern).mean() >= 0.5


HUES = {"red": 0, "yellow": 28, "green": 62, "blue": 112, "purple": 140}


@pytest.mark.parametrize("word", HUES)
def test_color_words_find_their_color(embedder: FashionEmbedder, words: FashionTextEmbedder, word: str) -> None:
    gallery = embed(embedder, *(garment(seed, "t-shirt", "plain", hue) for hue in HUES.values() for seed in range(6)))
    truth = np.repeat(list(HUES), 6)
    nearest = truth[np.argsort(-(gallery @ words.embed_text(f"{word} t-shirt").vector))[:5]]
    assert (nearest == word).sum() >= 4


def test_every_category_of_the_vocabulary_has_a_place(words: FashionTextEmbedder) -> None:
    for category in CATEGORIES:
        found = words.embed_text(category)
        assert (found.weak_reason, found.understanding.coverage) == ("", 1.0)
        assert set(GROUPS.get(category, (category,))) <= set(KINDS)


def test_words_without_a_place_are_named(words: FashionTextEmbedder) -> None:
    found = words.embed_text("cashmere navy sweater quux")
    assert found.weak_reason == "words without a place in the space: cashmere, quux"
    assert found.understanding.coverage == pytest.approx(2 / 4)


def test_an_occasion_moves_nothing_where_a_category_is_named(words: FashionTextEmbedder) -> None:
    plain, formal = words.embed_text("shirt"), words.embed_text("formal shirt")
    assert np.array_equal(plain.vector, formal.vector)
    assert "formal" in formal.weak_reason


def test_a_text_that_says_nothing_is_any_garment_and_says_so(words: FashionTextEmbedder) -> None:
    found = words.embed_text("quux !!! 42")
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-5)
    assert found.understanding.coverage == 0
    assert "any garment" in found.weak_reason


def test_words_fill_only_their_blocks(words: FashionTextEmbedder) -> None:
    vector = words.embed_text("navy shirt").vector
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    filled = {name for name, place in space.BLOCKS.items() if np.abs(vector[place]).max() > 0}
    assert filled == {"kind", "color"}


# ---- taste


def test_the_space_tells_looks_of_different_taste_apart(shop: Shop, words: FashionTextEmbedder) -> None:
    """A blazer is nearer to formal words than a hoodie; a loud one nearer to loud words."""
    formal, sporty = (words.embed_text(word).vector for word in ("formal", "sporty"))
    blazers, hoodies = (shop.vectors[shop.categories == kind] for kind in ("blazer", "hoodie"))
    assert ((blazers @ (formal - sporty)) > 0).mean() >= 0.8
    assert ((hoodies @ (formal - sporty)) < 0).mean() >= 0.8


def test_labels_are_read_as_they_were_learnt() -> None:
    """A label that holds two kinds which are a little likely wins over one kind that is likelier alone."""
    said = np.zeros(len(KINDS))
    learnt = np.array([0.3, 0.3, 0.4]) ** (1 / space.KIND_TEMPERATURE)
    said[:3] = learnt / learnt.sum()
    vector = space.join({"kind": np.sqrt(said)[None]})[0]
    members = np.zeros((2, len(KINDS)))
    members[0, :2] = members[1, 2] = 1
    likely = space.label_chances(vector, members)
    assert likely.sum() == pytest.approx(1)
    assert likely[0] / likely[1] == pytest.approx((0.6 / 0.4) ** (1 / space.KIND_TEMPERATURE), rel=1e-3)
    assert space.label_chances(np.stack([vector, vector]), members).shape == (2, 2)
