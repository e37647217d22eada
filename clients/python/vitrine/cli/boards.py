"""Saving a board, one picture of everything, from the command line."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from vitrine.board import BoardContent, draw_board, save_picture
from vitrine.board.save import check_target
from vitrine.cli.output import as_json, console
from vitrine.cli.session import EXIT_USAGE, Session


def check_board(path: Path | None, session: Session) -> None:
    """Tells before any work whether a board can be written to a file.

    Args:
        path: The file; None when no board is wanted.
        session: The shared options.

    Raises:
        typer.Exit: It cannot; the reason is printed.
    """
    try:
        if path is not None:
            check_target(path)
    except (OSError, ValueError) as error:
        session.fail(f"--board: {error}", EXIT_USAGE)


async def save_board(content: BoardContent, path: Path) -> None:
    """Draws a board and writes it, off the event loop: that takes about two seconds of CPU.

    Args:
        content: What it shows.
        path: The file.

    Raises:
        OSError: It cannot be written.
    """
    await asyncio.to_thread(lambda: save_picture(path, draw_board(content)))


def tell_board(path: Path, *, json_output: bool) -> None:
    """Names the file in one line that can be copied."""
    if json_output:
        as_json({"board": str(path)})
    else:
        shown = os.path.relpath(path)
        words = str(path) if shown.startswith("..") else shown
        console.print(f"board: {words}", markup=False, highlight=False, soft_wrap=True)
