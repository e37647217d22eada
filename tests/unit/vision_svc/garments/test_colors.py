from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imaging.color import delta_e_2000, srgb_to_lab
from vision_svc.garments.color_names import SYNONYMS, by_name, format_hex, nearest_color, parse_hex, vocabulary
from vision_svc.garments.colors import dominant_colors

pytestmark = pytest.mark.unit

# CSS Color Module Level 4 and everyday things, not our table: what a colour is called, or what it may be called.
KNOWN = [
    ("#000000", {"black"}),
    ("#ffffff", {"white"}),
    ("#808080", {"grey"}),
    ("#ff0000", {"red", "scarlet"}),
    ("#000080", {"navy", "indigo", "royal blue", "cobalt"}),
    ("#800020", {"burgundy", "maroon", "crimson"}),
    ("#ffc0cb", {"pink", "light pink"}),
    ("#008080", {"teal"}),
    ("#f5f5dc", {"ivory", "cream", "off-white"}),
    ("#ffd700", {"yellow", "gold"}),
    ("#808000", {"olive"}),
    ("#e6e6fa", {"lavender", "powder blue", "off-white", "white"}),
    ("#a0522d", {"cognac", "rust", "caramel", "brown"}),
    ("#d2b48c", {"tan", "beige", "sand"}),
]


def test_vocabulary_is_large_and_its_names_are_apart() -> None:
    names = [color.name for color in vocabulary()]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    lab = np.stack([color.lab for color in vocabulary()])
    distance = delta_e_2000(lab[:, None], lab[None]) + 99 * np.eye(len(lab))
    assert distance.min() > 2.3  # a just noticeable difference


@pytest.mark.parametrize("color", vocabulary(), ids=lambda color: color.name)
def test_each_name_finds_itself(color: object) -> None:
    assert nearest_color(color.lab) is color  # type: ignore[attr-defined]


@pytest.mark.parametrize(("hex_", "names"), KNOWN, ids=[hex_ for hex_, _ in KNOWN])
def test_known_colors_get_their_everyday_name(hex_: str, names: set[str]) -> None:
    assert nearest_color(srgb_to_lab(parse_hex(hex_))).name in names


def test_synonyms_name_colors_of_the_table() -> None:
    assert set(SYNONYMS.values()) <= {color.name for color in vocabulary()}
    assert by_name()["bordeaux"].name == "burgundy"


def test_hex_is_written_as_it_is_read() -> None:
    assert format_hex(parse_hex("#0a10ff")) == "#0a10ff"


def pixels(*parts: tuple[str, int], noise: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(3)
    rgb = np.concatenate([np.tile(parse_hex(hex_), (count, 1)) for hex_, count in parts]).astype(float)
    return srgb_to_lab(np.clip(rgb + rng.normal(0, noise, rgb.shape), 0, 255))


def test_one_pixel_is_one_color() -> None:
    (color,) = dominant_colors(pixels(("#1b2545", 1)))
    assert (color.name, color.hex, color.share) == ("navy", "#1b2545", 1.0)


def test_shares_are_those_of_the_pixels() -> None:
    colors = dominant_colors(pixels(("#d01c25", 600), ("#fafafa", 300), ("#2456b8", 100), noise=4))
    assert [color.name for color in colors] == ["red", "white", "blue"]
    assert [color.share for color in colors] == pytest.approx([0.6, 0.3, 0.1], abs=0.02)
    assert sum(color.share for color in colors) == pytest.approx(1)


def test_colors_are_near_the_truth() -> None:
    found = dominant_colors(pixels(("#10757a", 500), ("#cf9b21", 500), noise=10))
    truth = srgb_to_lab([parse_hex("#10757a"), parse_hex("#cf9b21")])
    for color in found[:2]:
        assert delta_e_2000(truth, np.array(color.lab)).min() < 3


def test_shades_of_one_cloth_are_one_color() -> None:
    folds = np.linspace(0.75, 1.1, 400)[:, None] * np.array(parse_hex("#6e4728"))
    assert len(dominant_colors(srgb_to_lab(folds))) == 1


def test_deep_folds_of_one_cloth_are_one_color() -> None:
    folds = np.linspace(0.4, 1.1, 400)[:, None] * np.array(parse_hex("#9dab8e"))
    assert len(dominant_colors(srgb_to_lab(folds))) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [("#fafafa", "#121212"), ("#fafafa", "#808080"), ("#d01c25", "#2456b8"), ("#1b2545", "#fafafa")],
)
def test_prints_stay_two_colors(first: str, second: str) -> None:
    assert len(dominant_colors(pixels((first, 600), (second, 400), noise=4))) == 2


@pytest.mark.parametrize(
    ("lightness", "name"),
    [(5, "black"), (14, "black"), (20, "black"), (31, "charcoal"), (54, "grey"), (73, "light grey"), (96, "white")],
)
def test_greys_are_named_as_cloth_looks(lightness: float, name: str) -> None:
    assert nearest_color([lightness, 0, 0]).name == name


def test_crumbs_are_no_color() -> None:
    assert len(dominant_colors(pixels(("#121212", 990), ("#f7d52a", 10)))) == 1


def test_answer_depends_on_the_pixels_only() -> None:
    values = pixels(("#d01c25", 50), ("#fafafa", 70), ("#2456b8", 60), ("#2c8b42", 40), ("#f7d52a", 30), noise=12)
    assert dominant_colors(values) == dominant_colors(values)


def test_the_contract_lists_every_name() -> None:
    page = (Path(__file__).resolve().parents[4] / "docs/contract.md").read_text()
    for family in {color.family for color in vocabulary()}:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {family} |")]
        listed = row.split("|")[2].strip().split(", ")
        assert listed == [color.name for color in vocabulary() if color.family == family]
