"""How the tests that bear a neighbour are shared out among processes (pytest-xdist)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

_UNIT = "tests/unit/"
# Two files of `tests/mesh` have no use for the mesh that the others share.
_ALONE = ("tests/mesh/test_privacy.py", "tests/mesh/test_standalone.py")


def scope_of(nodeid: str) -> str:
    """Names what stays together in one process: a file of unit tests, and else a folder, which shares its servers.

    Args:
        nodeid: The test, ``tests/unit/test_docs.py::test_links``.
    """
    file = nodeid.split("::", 1)[0]
    return file if file.startswith(_UNIT) or file in _ALONE else file.rpartition("/")[0]


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out folders and files in the order of the collection, so that small ones come last and even it out."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
