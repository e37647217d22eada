"""What every test of the client may count on: a plain terminal, wherever and after whatever it runs."""

from __future__ import annotations

import pytest
from typer import rich_utils
from vitrine.cli import output

# What rich and typer ask the environment for, some of it when they are imported: by whichever test comes first.
_ASKED = ("COLUMNS", "LINES", "TERMINAL_WIDTH", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "TTY_COMPATIBLE")


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes colours and widths of the surroundings away (a continuous integration asks for colours, for example)."""
    for name in _ASKED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(rich_utils, "FORCE_TERMINAL", False)
    monkeypatch.setattr(rich_utils, "MAX_WIDTH", None)
    for console in (output.console, output.errors):
        monkeypatch.setattr(console, "_color_system", None)
        monkeypatch.setattr(console, "_width", None)
