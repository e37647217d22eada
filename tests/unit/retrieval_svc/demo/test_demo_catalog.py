"""The drawn catalogue: the same every time, varied, well-formed, and in the colours that it names."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from retrieval_svc.catalog.demo.__main__ import main
from retrieval_svc.catalog.demo.assortment import assortment
from retrieval_svc.catalog.demo.cuts import CUTS
from retrieval_svc.catalog.demo.export import DEFAULT_COUNT, DEFAULT_SEED, DemoProduct, demo_products
from retrieval_svc.catalog.demo.model import Look
from retrieval_svc.catalog.demo.offers import row_of
from retrieval_svc.catalog.demo.palette import COLORS
from retrieval_svc.catalog.demo.render import encoded, render
from retrieval_svc.catalog.product import Product
from retrieval_svc.catalog.rows import parse_row
from retrieval_svc.catalog.vocabulary import Bucket

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def products() -> list[DemoProduct]:
    """The first 90 products: each category at least twice."""
    return list(islice(demo_products(), 90))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """All rows, without their pictures."""
    pieces = assortment(DEFAULT_COUNT, np.random.default_rng(DEFAULT_SEED), CUTS)
    return [row_of(piece, n, np.random.default_rng([DEFAULT_SEED, n, 1])) for n, piece in enumerate(pieces, start=1)]


def digest(product: DemoProduct) -> str:
    return hashlib.sha256(json.dumps(product.row).encode() + encoded(product.rendering)).hexdigest()


def test_same_seed_gives_the_same_bytes_and_another_seed_others(products: list[DemoProduct]) -> None:
    again = [digest(product) for product in islice(demo_products(), 8)]
    assert again == [digest(product) for product in products[:8]]
    assert again != [digest(product) for product in islice(demo_products(seed=8), 8)]


def test_every_row_is_what_the_importer_reads(rows: list[dict[str, str]]) -> None:
    read = [parse_row(row) for row in rows]
    assert [item for item in read if not isinstance(item, Product)] == []
    assert all(isinstance(item, Product) and item.bucket is not Bucket.UNSPECIFIED for item in read)


def test_shop_is_varied(rows: list[dict[str, str]]) -> None:
    assert len(rows) >= 400
    assert len({row["sku"] for row in rows}) == len(rows)
    counts = {name: Counter(row[name] for row in rows) for name in rows[0]}
    assert len(counts["category"]) >= 30
    assert min(counts["category"].values()) >= 5
    assert len(counts["brand"]) >= 12
    assert set(counts["currency"]) >= {"EUR", "USD", "GBP", "SEK", "JPY"}
    assert set(counts["gender"]) == {"women", "men", "unisex"}
    assert set(counts["pattern"]) == {"plain", "striped", "checked", "dotted", "floral", "graphic"}
    assert min(counts["pattern"].values()) >= 8
    assert len(counts["availability"]) == 5
    assert len({row["colors"].split("#")[0] for row in rows}) >= 35
    assert len(counts["title"]) >= 0.9 * len(rows)


def test_pictures_are_distinct_and_of_one_size(products: list[DemoProduct]) -> None:
    pictures = [product.rendering.image_bgr for product in products]
    assert {picture.shape for picture in pictures} == {(400, 320, 3)}
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    for product in products:
        decoded = cv2.imdecode(np.frombuffer(encoded(product.rendering), np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        difference = decoded.astype(int) - product.rendering.image_bgr.astype(int)
        assert float(np.abs(difference).mean()) < 8, product.row["title"]


def test_garment_fills_the_middle_and_leaves_the_border(products: list[DemoProduct]) -> None:
    for product in products:
        ground = product.rendering.ground > 0.5
        assert 0.02 < ground.mean() < 0.8, product.row["sku"]
        border = np.concatenate(
            [ground[:8].ravel(), ground[-8:].ravel(), ground[:, :8].ravel(), ground[:, -8:].ravel()]
        )
        assert not border.any(), product.row["sku"]


def distance_to_name(image_bgr: np.ndarray, ground: np.ndarray, name: str) -> float:
    """dE2000 by scikit-image between a colour's name and the mean colour where the ground colour shows."""
    inside = ground > 0.95
    lab = rgb2lab(image_bgr[..., ::-1] / 255.0)[inside].mean(axis=0)
    code = COLORS[name]
    wanted = rgb2lab(np.array([[[int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]]]))[0, 0]
    return float(deltaE_ciede2000(lab, wanted))


@pytest.mark.parametrize("name", COLORS)
def test_garment_has_the_colour_of_its_name(name: str) -> None:
    look = Look("upper", name, weave="jersey", style={"sleeve": "short", "neck": "crew"})
    drawn = render(look, np.random.default_rng(5))
    assert distance_to_name(drawn.image_bgr, drawn.ground, name) < 4.0


def test_every_kind_of_product_has_the_colour_that_its_row_names(products: list[DemoProduct]) -> None:
    """Between the lines of a pattern the ground is narrow and takes a little of its neighbours' colour."""
    far = {}
    for product in products:
        look, drawn = product.piece.look, product.rendering
        distance = distance_to_name(drawn.image_bgr, drawn.ground, look.color)
        if distance > (6.0 if look.pattern == "plain" else 12.0):
            far[product.row["title"]] = distance
    assert far == {}


def test_command_writes_rows_pictures_and_a_contact_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--out", str(tmp_path), "--count", "6", "--seed", "3"])
    lines = [json.loads(line) for line in (tmp_path / "catalog.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    for line in lines:
        picture = cv2.imread(str(tmp_path / line.pop("image")))
        assert picture is not None
        assert picture.shape == (400, 320, 3)
        assert isinstance(parse_row(line), Product)
    assert cv2.imread(str(tmp_path / "contact-sheet.png")) is not None
    assert "6 products" in capsys.readouterr().out
