"""Paths that the documentation names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
_ROOT = Path(__file__).resolve().parents[2]
_PAGES = sorted(
    str(page.relative_to(_ROOT))
    for pattern in (
        "README.md",
        "CHANGELOG.md",
        "docs/**/*.md",
        "*_svc/README.md",
        "edge_proxy/README.md",
        "clients/python/README.md",
    )
    for page in _ROOT.glob(pattern)
)
_LINK = re.compile(r"\]\(([^)#:]+)\)")
_WORD = re.compile(r"[`\s\"(]((?:[\w.-]+/)+[\w.*-]*)(?=[`\s\"),;:])")
_FOLDER = re.compile(r"`([\w.-]+/)`")
# Made by set-up or by a run, or the example of a recipe.
_MADE = ("models/", ".venv/", ".vitrine/", "secrets/", "build/", "clients/web/dist")


def _named(page: Path) -> set[str]:
    """Paths below the repository that a page names in code, by their first part being one of its folders."""
    text = page.read_text()
    code = "".join(f" {part} " for part in re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    folders = {each.name for each in _ROOT.iterdir() if each.is_dir()}
    words = {word.rstrip(".") for word in _WORD.findall(code.replace("`", " ")) if word.split("/")[0] in folders}
    return {
        word for word in words | set(_FOLDER.findall(text)) if not word.startswith(_MADE) and "wardrobe" not in word
    }


def _is_there(path: str) -> bool:
    """A path from the root; a folder may also be named alone, as services have it."""
    places = (path, f"*_svc/{path}", f"*_svc/*/{path}") if path.count("/") == 1 and path.endswith("/") else (path,)
    return any(next(_ROOT.glob(place.rstrip("/")), None) for place in places)


@pytest.mark.parametrize("name", _PAGES)
def test_links_of_a_page_lead_somewhere(name: str) -> None:
    page = _ROOT / name
    assert [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("name", _PAGES)
def test_paths_that_a_page_names_are_there(name: str) -> None:
    assert [path for path in sorted(_named(_ROOT / name)) if not _is_there(path)] == []


def test_paths_are_found_in_pages() -> None:
    assert {"imaging/models/manifest.py", "tests/unit/vision_svc/hub/tiny.py"} <= _named(_ROOT / "docs/add-a-model.md")
