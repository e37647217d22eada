"""Which tests stay together in one process."""

from __future__ import annotations

import pytest

from tests.support.sharing import scope_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        pytest.param("tests/unit/mesh/test_keys.py::test_x[a/b::c]", "tests/unit/mesh/test_keys.py", id="units"),
        pytest.param("tests/mesh/test_tokens.py::test_x", "tests/mesh", id="users of the shared mesh"),
        pytest.param("tests/mesh/test_privacy.py::test_x", "tests/mesh/test_privacy.py", id="mesh of its own"),
        pytest.param("tests/services/profile/test_watch.py::test_x", "tests/services/profile", id="service"),
        pytest.param(
            "tests/services/ingest/streams/test_flow.py::test_x", "tests/services/ingest/streams", id="half a service"
        ),
    ],
)
def test_scope(nodeid: str, scope: str) -> None:
    assert scope_of(nodeid) == scope
