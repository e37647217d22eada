"""Every page of the dashboard, and when it has come: for the tests that look at all of them, and for screenshots."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """A page as people find it.

    Attributes:
        name: For ids of tests and names of pictures.
        path: Where it is.
        shows: A selector of something that is there once the page has come, with what it reads from the mesh.
    """

    name: str
    path: str
    shows: str


VIEWS = (
    View("search", "/search", "form[role=search]"),
    View("search-found", "/search?q=warm%20coat", ".product img[src^=blob]"),
    View("mesh", "/mesh", ".model"),
)
