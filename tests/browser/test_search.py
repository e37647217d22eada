"""Searching by words on the real catalogue."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.dashboard import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
_ALL_SHOWN = "[...document.querySelectorAll('.product img')].every((each) => each.naturalWidth > 100)"


async def test_a_search_shows_pictures_prices_and_why(dashboard: Dashboard) -> None:
    async with dashboard.tab("/search") as tab:
        await tab.sign_in(dashboard.token())
        page = tab.page
        await page.get_by_role("searchbox").fill("warm coat")
        await page.keyboard.press("Enter")
        first = page.get_by_role("article").first
        await expect(first.get_by_role("img")).to_be_visible()
        await page.wait_for_function(_ALL_SHOWN)
        assert "q=warm+coat" in page.url
        await first.get_by_text("Why place 1").click()
        parts = [float(each) for each in await first.locator("dd").all_inner_texts()]
        assert sum(parts[:-1]) == pytest.approx(parts[-1], abs=0.005)
        assert tab.complaints == []


async def test_more_is_shown_on_demand(dashboard: Dashboard) -> None:
    async with dashboard.tab("/search?q=clothes") as tab:
        await tab.sign_in(dashboard.token())
        products = tab.page.get_by_role("article")
        await expect(products).to_have_count(12)
        await tab.page.get_by_role("button", name="Show more").click()
        await expect(products).to_have_count(24)
        titles = await products.locator("h2").all_inner_texts()
        assert len(titles) == 24
        await expect(tab.page.get_by_role("button", name="Show more")).to_have_count(0)


async def test_a_search_without_a_match_says_what_to_leave_out(dashboard: Dashboard) -> None:
    async with dashboard.tab("/search?q=coat%20under%201%20EUR") as tab:
        await tab.sign_in(dashboard.token())
        await expect(tab.page.get_by_text("Nothing fits all of that")).to_be_visible()
        assert await tab.violations() == []


async def test_an_edge_that_is_away_is_told_with_advice_and_can_be_tried_again(dashboard: Dashboard) -> None:
    async with dashboard.tab("/search") as tab:
        await tab.sign_in(dashboard.token())
        await expect(tab.page.get_by_role("searchbox")).to_be_visible()
        await tab.page.context.set_offline(True)
        await tab.page.get_by_role("searchbox").fill("coat")
        await tab.page.keyboard.press("Enter")
        await expect(tab.page.get_by_role("alert")).to_contain_text("The mesh does not answer")
        assert await tab.violations() == []
        await tab.page.context.set_offline(False)
        await tab.page.get_by_role("button", name="Try again").click()
        await expect(tab.page.get_by_role("article").first).to_be_visible()
