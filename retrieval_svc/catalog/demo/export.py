"""Writes the demo catalogue: rows as JSON lines, pictures, and a contact sheet to look at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from retrieval_svc.catalog.demo.assortment import Piece, assortment
from retrieval_svc.catalog.demo.cuts import CUTS
from retrieval_svc.catalog.demo.offers import row_of
from retrieval_svc.catalog.demo.region import HEIGHT_PX, WIDTH_PX
from retrieval_svc.catalog.demo.render import Rendering, encoded, render

ROWS_FILE = "catalog.jsonl"
IMAGES_FOLDER = "images"
SHEET_FILE = "contact-sheet.png"
DEFAULT_COUNT, DEFAULT_SEED = 420, 7
_SHEET_COLUMNS = 20
_SHEET_HEIGHT_PX = 150


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """One product of the demo catalogue.

    Attributes:
        row: Text by column, as the importer reads it.
        piece: What was drawn.
        rendering: The drawing.
    """

    row: dict[str, str]
    piece: Piece
    rendering: Rendering

    @property
    def image_path(self) -> str:
        """Where the picture lies, relative to the rows."""
        return f"{IMAGES_FOLDER}/{self.row['sku']}.jpg"


def demo_products(count: int = DEFAULT_COUNT, seed: int = DEFAULT_SEED) -> Iterator[DemoProduct]:
    """Makes the demo catalogue, one product after another; the same arguments give the same bytes.

    Args:
        count: How many products.
        seed: Another seed gives another shop.

    Yields:
        The products.
    """
    pieces = assortment(count, np.random.default_rng(seed), CUTS)
    for number, piece in enumerate(pieces, start=1):
        row = row_of(piece, number, np.random.default_rng([seed, number, 1]))
        yield DemoProduct(row, piece, render(piece.look, np.random.default_rng([seed, number, 2])))


def write_catalog(folder: Path, count: int = DEFAULT_COUNT, seed: int = DEFAULT_SEED) -> int:
    """Writes rows, pictures and contact sheet.

    Each line of `catalog.jsonl` is a JSON object with the columns of the importer and `image`, the path of its
    picture relative to the file.

    Args:
        folder: Where to; it is made when missing.
        count: How many products.
        seed: Another seed gives another shop.

    Returns:
        How many products were written.
    """
    (folder / IMAGES_FOLDER).mkdir(parents=True, exist_ok=True)
    thumbnails, written = [], 0
    with (folder / ROWS_FILE).open("w", encoding="utf-8") as rows:
        for product in demo_products(count, seed):
            (folder / product.image_path).write_bytes(encoded(product.rendering))
            rows.write(json.dumps({**product.row, "image": product.image_path}, ensure_ascii=False) + "\n")
            thumbnails.append(_thumbnail(product.rendering.image_bgr))
            written += 1
    cv2.imwrite(str(folder / SHEET_FILE), contact_sheet(thumbnails))
    return written


def contact_sheet(thumbnails: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """Lays pictures of one size out in rows of 20.

    Args:
        thumbnails: uint8 BGR pictures.
    """
    blank = np.full_like(thumbnails[0], 255)
    padded = thumbnails + [blank] * (-len(thumbnails) % _SHEET_COLUMNS)
    rows = [np.hstack(padded[i : i + _SHEET_COLUMNS]) for i in range(0, len(padded), _SHEET_COLUMNS)]
    return np.vstack(rows)


def _thumbnail(image_bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    width = round(_SHEET_HEIGHT_PX * WIDTH_PX / HEIGHT_PX)
    return cv2.resize(image_bgr, (width, _SHEET_HEIGHT_PX), interpolation=cv2.INTER_AREA).astype(np.uint8)
