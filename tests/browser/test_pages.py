"""Every page on a phone and a desktop, light and dark: it comes, fits, is accessible, and does not complain."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.dashboard import SCREENS, Dashboard, Screen
from tests.browser.pages import VIEWS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
async def test_every_page_comes_and_fits_and_is_accessible(dashboard: Dashboard, screen: Screen) -> None:
    async with dashboard.tab("/", screen) as tab:
        assert await tab.violations() == []
        await tab.sign_in(dashboard.token(), keep=True)
        for view in VIEWS:
            await tab.page.goto(view.path)
            await expect(tab.page.locator(view.shows).first).to_be_visible()
            assert await tab.violations() == [], view.name
            assert await tab.beside_the_screen() == [], view.name
        assert tab.complaints == []


async def test_axe_sees_what_is_wrong(dashboard: Dashboard) -> None:
    async with dashboard.tab("/") as tab:
        await tab.page.evaluate("document.querySelector('label').remove()")
        assert any(each.startswith("label:") for each in await tab.violations())


async def test_the_navigation_leads_to_every_page_of_it(dashboard: Dashboard) -> None:
    async with dashboard.tab("/") as tab:
        await tab.sign_in(dashboard.token())
        links = tab.page.get_by_role("navigation").get_by_role("link")
        await expect(links.first).to_be_visible()
        for title in await links.all_inner_texts():
            await links.get_by_text(title.strip()).click()
            await expect(tab.page.get_by_role("heading", level=1)).to_have_text(title.strip())
            await expect(tab.page).to_have_title(f"{title.strip()} \N{EN DASH} Vitrine")
        assert tab.complaints == []


async def test_an_address_of_no_page_says_so(dashboard: Dashboard) -> None:
    async with dashboard.tab("/no/such/page") as tab:
        await tab.sign_in(dashboard.token())
        await expect(tab.page.get_by_text("Nothing is here")).to_be_visible()
