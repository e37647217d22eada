"""`make screenshots`: every page on every screen as a picture, to be looked at.

`python -m tests.browser.screenshots [FOLDER]`; by default `build/screenshots`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import expect

from tests.browser.dashboard import SCREENS, running_dashboard
from tests.browser.pages import VIEWS

_SETTLE_MS = 600


async def take(folder: Path) -> list[Path]:
    """Takes all pictures.

    Args:
        folder: A folder; they go there: `mesh-phone-dark.png`.

    Returns:
        Their paths.
    """
    taken = []
    with tempfile.TemporaryDirectory() as home:
        async with running_dashboard(Path(home)) as dashboard:
            for screen in SCREENS:
                async with dashboard.tab("/", screen) as tab:
                    taken.append(folder / f"signin-{screen.name}.png")
                    await tab.page.screenshot(path=taken[-1])
                    await tab.sign_in(dashboard.token(), keep=True)
                    for view in VIEWS:
                        await tab.page.goto(view.path)
                        await expect(tab.page.locator(view.shows).first).to_be_visible()
                        await tab.page.wait_for_timeout(_SETTLE_MS)
                        taken.append(folder / f"{view.name}-{screen.name}.png")
                        await tab.page.screenshot(path=taken[-1])
    return taken


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots")
    target.mkdir(parents=True, exist_ok=True)
    for path in asyncio.run(take(target)):
        sys.stdout.write(f"{path}\n")
