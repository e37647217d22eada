"""Draws the pictures of the documentation, anew, from a mesh that runs: what its models say today, and nothing else.

    vitrine up && vitrine catalog demo     (or leave `make demo` running)
    python scripts/docs_pictures.py        (the mesh of the working directory, or of VITRINE_HOME)

The photo is the demo's own: NASA's portrait of Eileen Collins, public domain, from scikit-image. The products are the
drawn catalogue. Run it again whenever a model changes, look at what it drew, and commit `docs/pictures`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import cv2
import numpy as np
from vitrine.board import draw_board, draw_searches, gather
from vitrine.board.canvas import Picture
from vitrine.board.content import SHOWN_MATCHES, product_images
from vitrine.board.photo import photo_block
from vitrine.board.save import small_webp
from vitrine.cli.clip import encode, read_photo
from vitrine.cli.commands import follow_capture
from vitrine.cli.demo import sample_photo
from vitrine.embedded.state import LocalMesh, load
from vitrine.ingest.v1 import capture_pb2, privacy_service_pb2
from vitrine.retrieval.v1 import catalog_service_pb2, match_pb2
from vitrine.sdk import Vitrine

_ROOT = Path(__file__).resolve().parents[1]
_USER = "pictures"
_MOST_BYTES = 300_000
_TEXTS = ("yellow hoodie", "floral summer dress under 100 EUR", "black leather boots")
_SHEET_COLUMNS, _SHEET_ROWS, _SHEET_CELL = 12, 4, (120, 150)


def main() -> int:
    """Draws every picture; says where each is and how large."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=_ROOT / "docs/pictures", help="folder of the pictures")
    parser.add_argument("--photo", type=Path, default=sample_photo(), help="a photo that may be published")
    given = parser.parse_args()
    local = load()
    if local is None or given.photo is None:
        print("no mesh runs here (`vitrine up`), or scikit-image with its photo is not installed", file=sys.stderr)
        return 3
    pictures = asyncio.run(_draw(local, given.photo))
    given.out.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        file = given.out / f"{name}.webp"
        file.write_bytes(small_webp(picture, _MOST_BYTES))
        print(f"{file}  {picture.shape[1]} x {picture.shape[0]}, {file.stat().st_size / 1000:.0f} kB")
    return 0


async def _draw(local: LocalMesh, photo: Path) -> dict[str, Picture]:
    async with Vitrine(local.edge_target, user=_USER, token=local.token(_USER)) as mesh:
        # What it learnt from the same photo the last time would make every garment "already counted".
        await mesh.privacy.EraseUser(privacy_service_pb2.EraseUserRequest(name=mesh.user))
        done = await follow_capture(mesh, encode(read_photo(photo)), cropped=True, quiet=True)
        if done.state != capture_pb2.Capture.STATE_SUCCEEDED:
            raise SystemExit(f"the capture ended as {capture_pb2.Capture.State.Name(done.state)}: {done.error.message}")
        content = await gather(mesh, done)
        return {
            "board": draw_board(content),
            "board-top": draw_board(content, most_garments=1),
            "search": await _searches(mesh),
            "catalogue": await _sheet(mesh),
            "garments": photo_block(content).finished(),
        }


async def _searches(mesh: Vitrine) -> Picture:
    answers = [(text, await mesh.search_text(text, page_size=SHOWN_MATCHES)) for text in _TEXTS]
    images = await product_images(mesh, [match for _, answer in answers for match in answer.matches])
    return draw_searches(answers, images)


async def _sheet(mesh: Vitrine) -> Picture:
    """A contact sheet of products, spread evenly over the catalogue."""
    request = catalog_service_pb2.ListProductsRequest(page_size=200)
    products = []
    while True:
        page = await mesh.catalog.ListProducts(request)
        products += [product for product in page.products if product.images]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    count = _SHEET_COLUMNS * _SHEET_ROWS
    if len(products) < count:
        raise SystemExit(f"the catalogue has {len(products)} pictures; `vitrine catalog demo` brings 420")
    chosen = [products[int(place)] for place in np.linspace(0, len(products) - 1, count)]
    images = await product_images(mesh, [match_pb2.ProductMatch(product=product) for product in chosen])
    if len(images) < count:
        raise SystemExit(f"only {len(images)} of {count} pictures of products could be read; try again")
    cells = [np.asarray(cv2.resize(each, _SHEET_CELL, interpolation=cv2.INTER_AREA)) for each in images.values()]
    lines = [np.hstack(cells[at : at + _SHEET_COLUMNS]) for at in range(0, count, _SHEET_COLUMNS)]
    return np.asarray(np.vstack(lines), np.uint8)


if __name__ == "__main__":
    raise SystemExit(main())
