"""Pictures of the documentation: small, whole, and each shown somewhere."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.unit
_ROOT = Path(__file__).resolve().parents[2]
_PICTURES = sorted((_ROOT / "docs/pictures").iterdir())
_PAGES = [_ROOT / "README.md", _ROOT / "clients/python/README.md", *(_ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("file", _PICTURES, ids=lambda file: file.name)
def test_picture_is_small_whole_and_shown(file: Path) -> None:
    assert file.stat().st_size <= 300_000
    image = cv2.imread(str(file))
    assert image is not None
    assert image.shape[1] >= 800
    assert any(f"pictures/{file.name})" in page.read_text() for page in _PAGES)


def test_there_are_pictures() -> None:
    assert {"board.webp", "board-top.webp", "garments.webp", "search.webp"} <= {file.name for file in _PICTURES}
