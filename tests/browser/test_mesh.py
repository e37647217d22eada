"""The page of the mesh: what the services and models say of themselves."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from vitrine.vision.v1 import model_service_pb2

from tests.browser.dashboard import Dashboard
from tests.support.mesh import client

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


async def test_services_and_models_are_those_of_the_mesh(dashboard: Dashboard) -> None:
    async with client(dashboard.mesh) as caller:
        listed = (await caller.models.ListModels(model_service_pb2.ListModelsRequest(page_size=200))).models
    async with dashboard.tab("/mesh") as tab:
        await tab.sign_in(dashboard.token())
        page = tab.page
        await expect(page.get_by_text("Everything answers")).to_be_visible()
        services = await page.locator(".service h2").all_inner_texts()
        assert {each.lower() for each in services} == {"ingest", "vision", "retrieval", "profile"}
        cards = page.locator(".model")
        await expect(cards).to_have_count(len(listed))
        for model in listed:
            card = cards.filter(has=page.get_by_role("heading", name=model.model, exact=True)).first
            await expect(card).to_contain_text(model.license)
        assert tab.complaints == []


async def test_arrow_keys_walk_through_the_parts(dashboard: Dashboard) -> None:
    async with dashboard.tab("/mesh") as tab:
        await tab.sign_in(dashboard.token())
        await tab.page.get_by_role("tab", name="Models").focus()
        await tab.page.keyboard.press("ArrowRight")
        await expect(tab.page.get_by_role("tab", name="Search index")).to_be_focused()
        await expect(tab.page.get_by_role("tabpanel")).to_contain_text("qdrant-edge")
        await expect(tab.page.get_by_role("tabpanel")).to_contain_text("24")
        assert await tab.violations() == []


async def test_a_service_that_is_away_is_named(dashboard: Dashboard) -> None:
    async with dashboard.tab("/mesh") as tab:
        await tab.sign_in(dashboard.token())
        await expect(tab.page.get_by_text("Everything answers")).to_be_visible()
        await dashboard.mesh.stop_process("profile")
        try:
            await expect(tab.page.get_by_text("A part is away")).to_be_visible()
            away = tab.page.locator(".service").filter(has_text="Away")
            await expect(away.get_by_role("heading")).to_have_text("profile")
        finally:
            await dashboard.mesh.start_process("profile")
            await dashboard.mesh.wait_ready()
        await expect(tab.page.get_by_text("Everything answers")).to_be_visible()
