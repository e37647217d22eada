"""Draws the demo catalogue: ``python -m retrieval_svc.catalog.demo --out DIR``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2

from retrieval_svc.catalog.demo.export import DEFAULT_COUNT, DEFAULT_SEED, write_catalog


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and writes the catalogue.

    Args:
        arguments: The command line; that of the process when None.
    """
    parser = argparse.ArgumentParser(
        description="Draw a catalogue of garments: rows (JSON lines), pictures and a contact sheet."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument(
        "--count", type=int, default=DEFAULT_COUNT, help=f"number of products (default {DEFAULT_COUNT})"
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another seed gives another shop")
    options = parser.parse_args(arguments)
    if options.count < 1:
        parser.error("--count must be at least 1")
    cv2.setNumThreads(1)
    start = time.monotonic()
    written = write_catalog(options.out, options.count, options.seed)
    sys.stdout.write(f"{written} products in {options.out} ({time.monotonic() - start:.1f} s)\n")


if __name__ == "__main__":
    main()
