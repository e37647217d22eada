"""The dashboard's files through a running Envoy: one document for all pages, caches, and what browsers are told."""

from __future__ import annotations

import pytest

from tests.services.edge_proxy.conftest import SCRIPT, Edge

pytestmark = pytest.mark.service


@pytest.mark.parametrize("path", ["/search", "/search?q=a.b", "/products/sku-1"])
async def test_every_page_of_the_dashboard_is_its_one_document(edge: Edge, path: str) -> None:
    page = await edge.http.get(path, headers={"accept": "text/html,*/*;q=0.8"})
    assert page.text == "<h1>Vitrine</h1>"
    assert page.headers["cache-control"] == "no-cache"
    assert (await edge.http.get(path)).status_code == 404  # no browser asks here


@pytest.mark.parametrize("path", ["/", "/search", "/assets/app-1.js", "/assets/gone.js"])
async def test_files_say_what_browsers_may_do_with_them(edge: Edge, path: str) -> None:
    answer = await edge.http.get(path, headers={"accept": "text/html"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    allowed = answer.headers["content-security-policy"]
    assert "default-src 'none'" in allowed
    assert "unsafe" not in allowed
    assert "frame-ancestors 'none'" in allowed


async def test_assets_are_kept_and_compressed(edge: Edge) -> None:
    asset = await edge.http.get("/assets/app-1.js", headers={"accept-encoding": "gzip"})
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-encoding"] == "gzip"
    assert asset.text == SCRIPT
    gone = await edge.http.get("/assets/gone.js")
    assert gone.status_code == 404
    assert gone.headers["cache-control"] == "no-store"
