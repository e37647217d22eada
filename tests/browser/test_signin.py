"""Signing in: where the token is kept, how long, and what is said when it no longer counts."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from mesh.keys import SigningKey
from tests.browser.dashboard import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
_STORED = "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), location.href])"


async def test_a_token_is_kept_in_memory_only(dashboard: Dashboard) -> None:
    token = dashboard.token()
    async with dashboard.tab("/mesh") as tab:
        await tab.sign_in(token)
        await expect(tab.page.get_by_role("heading", name="Mesh")).to_be_visible()
        assert await tab.page.context.cookies() == []
        assert token not in await tab.page.evaluate(_STORED)
        await tab.page.reload()
        await expect(tab.page.get_by_role("textbox", name="Token")).to_be_visible()


async def test_who_wishes_so_stays_signed_in_by_a_cookie_of_this_site(dashboard: Dashboard) -> None:
    token = dashboard.token()
    async with dashboard.tab("/mesh") as tab:
        await tab.sign_in(token, keep=True)
        await tab.page.reload()
        await expect(tab.page.get_by_role("heading", name="Mesh")).to_be_visible()
        (cookie,) = await tab.page.context.cookies()
        assert (cookie["value"], cookie["sameSite"]) == (token, "Strict")
        assert token not in await tab.page.evaluate(_STORED)
        await tab.page.get_by_role("button", name="Sign out").click()
        await expect(tab.page.get_by_text("You are signed out.")).to_be_visible()
        assert await tab.page.context.cookies() == []


async def test_a_sign_in_that_ends_says_so(dashboard: Dashboard) -> None:
    async with dashboard.tab("/mesh") as tab:
        await tab.sign_in(dashboard.token(ttl_s=4))
        await expect(tab.page.get_by_text("Your sign-in has ended")).to_be_visible()


async def test_a_token_of_another_mesh_is_refused_in_words(dashboard: Dashboard) -> None:
    async with dashboard.tab("/mesh") as tab:
        await tab.sign_in(SigningKey.generate().sign("ada", (), ttl_s=600))
        await expect(tab.page.get_by_text("The mesh does not know this token")).to_be_visible()


@pytest.mark.parametrize("typed", ["", "secret", "a.b.c"])
async def test_what_is_no_token_is_refused_at_the_field(dashboard: Dashboard, typed: str) -> None:
    async with dashboard.tab("/") as tab:
        await tab.sign_in(typed)
        await expect(tab.page.get_by_role("alert")).to_contain_text("This is no token")
        await expect(tab.page.get_by_role("textbox", name="Token")).to_have_attribute("aria-invalid", "true")
        assert await tab.violations() == []
