"""What a first visit loads, as it comes through Envoy."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.dashboard import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
# Issue 5 allows 250 KB after compression.
_MOST_BYTES = 250_000
_LOADED = """
[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map(
  (each) => [new URL(each.name).pathname, each.transferSize, each.decodedBodySize],
)
"""


async def test_the_first_page_is_small(dashboard: Dashboard) -> None:
    async with dashboard.tab("/") as tab:
        await tab.sign_in(dashboard.token())
        await expect(tab.page.get_by_role("searchbox")).to_be_visible()
        await tab.page.wait_for_load_state("networkidle")
        loaded: list[tuple[str, int, int]] = await tab.page.evaluate(_LOADED)
        assert sum(sent for _, sent, _ in loaded) <= _MOST_BYTES, loaded
        scripts = [(sent, whole) for path, sent, whole in loaded if path.endswith(".js")]
        assert sum(whole for _, whole in scripts) > 2 * sum(sent for sent, _ in scripts) > 0, loaded
