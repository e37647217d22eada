"""A process of its own leaves what it started with to stay."""

from __future__ import annotations

import gc

import pytest

from mesh.runtime import Service
from retrieval_svc.__main__ import kept_from_collection

pytestmark = pytest.mark.unit


async def test_what_the_start_made_is_not_collected_until_the_end() -> None:
    made: list[list[str]] = []

    async def started() -> None:
        made.append([])

    with kept_from_collection(Service([], startup=started)) as service:
        assert gc.get_freeze_count() == 0
        assert service.startup is not None
        await service.startup()
        assert gc.get_freeze_count() > 0
        assert not any(kept is made for kept in gc.get_objects())
    assert gc.get_freeze_count() == 0
    assert any(kept is made for kept in gc.get_objects())


async def test_a_start_that_fails_keeps_nothing() -> None:
    async def failing() -> None:
        raise OSError("no database")

    with kept_from_collection(Service([], startup=failing)) as service:
        assert service.startup is not None
        with pytest.raises(OSError, match="no database"):
            await service.startup()
        assert gc.get_freeze_count() == 0
