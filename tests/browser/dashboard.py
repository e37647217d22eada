"""A mesh with its dashboard, a browser, and tabs that remember what went wrong in them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.retrieval.v1 import search_service_pb2
from vitrine.sdk import CatalogSource, RpcFailure, import_catalog

from retrieval_svc.catalog.demo.export import DEFAULT_SEED, write_catalog
from tests.browser.chromium import Chromium, find_chromium
from tests.support.mesh import client, running_mesh
from tests.support.waiting import until

_ROOT = Path(__file__).resolve().parents[2]
_AXE = _ROOT / "node_modules/axe-core/axe.min.js"
# WCAG 2.2 AA and all before it, and what axe holds for good practice beside it.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_BESIDE = """
const {scrollWidth, clientWidth} = document.documentElement;
const right = (each) => each.getBoundingClientRect().right;
const wide = [...document.querySelectorAll("body *")].filter((each) => right(each) > clientWidth + 1);
scrollWidth <= clientWidth ? [] : wide.map((each) => each.outerHTML.slice(0, 90));
"""
_PRODUCTS = 24
_USER = "ada"
# Waiting for a page, in milliseconds; the machine may be busy.
PATIENCE_MS = 45_000

Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Screen:
    """What a person looks at.

    Attributes:
        name: For ids of tests and names of pictures.
        width: Of the page, in CSS pixels.
        height: Of the page, in CSS pixels.
        scheme: Light or dark.
    """

    name: str
    width: int
    height: int
    scheme: Scheme

    @property
    def is_phone(self) -> bool:
        """Whether it is touched and held in a hand."""
        return self.width < 768


SCREENS = tuple(
    Screen(f"{name}-{scheme}", width, height, scheme)
    for name, width, height in (("phone", 390, 844), ("desktop", 1440, 900))
    for scheme in ("light", "dark")
)


@dataclass
class Tab:
    """A page of a browser.

    Attributes:
        page: The page, for everything that a person does.
        complaints: What the browser's console said, errors of scripts and answers of 400 and more.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)

    async def violations(self) -> list[str]:
        """Has axe-core look at the page as it is now; the rules that it breaks, each with the places."""
        await self.page.evaluate(_AXE.read_text())
        run = "(rules) => axe.run(document, {runOnly: rules})"
        found: dict[str, Any] = await self.page.evaluate(run, _RULES)
        assert found["passes"], "axe looked at nothing"
        return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found["violations"]]

    async def beside_the_screen(self) -> list[str]:
        """What of the page lies beside the screen, so that it would have to be pushed to and fro."""
        found: list[str] = await self.page.evaluate(_BESIDE)
        return found

    async def sign_in(self, token: str, *, keep: bool = False) -> None:
        """Signs in on the page that is shown."""
        await self.page.get_by_role("textbox", name="Token").fill(token)
        if keep:
            await self.page.get_by_label("Stay signed in").check()
        await self.page.get_by_role("button", name="Sign in").click()


class Dashboard:
    """The dashboard of a running mesh, in a browser."""

    def __init__(self, mesh: EmbeddedMesh, browser: Browser) -> None:
        """Names both.

        Args:
            mesh: The mesh, with some products.
            browser: The browser.
        """
        self.mesh = mesh
        self._browser = browser

    def token(self, *, ttl_s: float = 600.0) -> str:
        """Signs a token of an ordinary user."""
        return self.mesh.keys.token(_USER, (), ttl_s)

    @contextlib.asynccontextmanager
    async def tab(self, path: str, screen: Screen = SCREENS[2]) -> AsyncIterator[Tab]:
        """Opens a path in a browser that knows nothing from before.

        Args:
            path: `/search`.
            screen: What it is looked at with.
        """
        context = await self._browser.new_context(
            viewport={"width": screen.width, "height": screen.height}, color_scheme=screen.scheme,
            is_mobile=screen.is_phone, has_touch=screen.is_phone, locale="en-GB", base_url=self.mesh.edge_url,
        )  # fmt: skip
        async with context:
            yield await _open(context, path)


async def _open(context: BrowserContext, path: str) -> Tab:
    context.set_default_timeout(PATIENCE_MS)
    tab = Tab(await context.new_page())
    page, complaints = tab.page, tab.complaints
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "response", lambda answer: complaints.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
    )
    await page.goto(path)
    return tab


@contextlib.asynccontextmanager
async def running_dashboard(folder: Path) -> AsyncIterator[Dashboard]:
    """Builds the dashboard where its sources have changed, and runs a mesh that serves it, with some products.

    Args:
        folder: The mesh's folder.
    """
    chromium = await asyncio.to_thread(_prepare)
    async with (
        running_mesh(folder / "mesh", dashboard=_ROOT / "clients/web/dist") as mesh,
        async_playwright() as playwright,
    ):
        await _fill(mesh, folder / "catalog")
        browser = await playwright.chromium.launch(
            executable_path=chromium.program, env={**os.environ, **chromium.environment}
        )
        async with browser:
            yield Dashboard(mesh, browser)


def _prepare() -> Chromium:
    """Builds the dashboard where its sources have changed, and unpacks the browser where it is not there yet."""
    for verb in ("install-all", "build"):
        subprocess.run([sys.executable, _ROOT / "scripts/web.py", verb], check=True)
    return find_chromium()


async def _fill(mesh: EmbeddedMesh, folder: Path) -> None:
    """Draws a small catalogue, imports it, and waits until searches find it."""
    await asyncio.to_thread(write_catalog, folder, _PRODUCTS, DEFAULT_SEED)
    async with client(mesh, "shopkeeper", "operator") as shopkeeper:
        assert not (await import_catalog(shopkeeper, CatalogSource(folder / "catalog.jsonl"))).rejections

        async def searchable() -> bool:
            try:
                index = await shopkeeper.search.GetIndex(search_service_pb2.GetIndexRequest())
            except RpcFailure:
                return False
            return index.vector_count == _PRODUCTS

        await until(searchable)
