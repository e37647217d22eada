"""One mesh and one browser for all tests of this folder; each test opens tabs of its own.

The first test waits for the build, the mesh and the catalogue: hence the longer timeout of these modules.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.browser.dashboard import PATIENCE_MS, Dashboard, running_dashboard

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
async def dashboard(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dashboard]:
    """The dashboard of a running mesh in a real Chromium; both end with the tests of this folder."""
    async with running_dashboard(tmp_path_factory.mktemp("dashboard")) as running:
        yield running
