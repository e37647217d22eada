"""Saving a board, one picture of everything, from the command line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from vitrine.board import BoardContent, draw_board, draw_searches, save_picture
from vitrine.board.content import SHOWN_MATCHES, product_images
from vitrine.board.save import check_target
from vitrine.cli.output import as_json, console
from vitrine.cli.session import EXIT_USAGE, Session
from vitrine.retrieval.v1 import search_service_pb2
from vitrine.sdk import Vitrine


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


async def save_searches(
    mesh: Vitrine, searches: Sequence[tuple[str, search_service_pb2.SearchProductsResponse]], path: Path
) -> None:
    """Draws searches and writes the picture.

    Args:
        mesh: The client, for the pictures of the products.
        searches: What was asked, in words, with the answer.
        path: The file.

    Raises:
        OSError: It cannot be written.
    """
    images = await product_images(mesh, [match for _, answer in searches for match in answer.matches[:SHOWN_MATCHES]])
    await asyncio.to_thread(lambda: save_picture(path, draw_searches(searches, images)))


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
