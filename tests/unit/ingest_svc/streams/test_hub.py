"""Sharing the rates of users between processes: whatever fails, it goes on."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ingest_svc.streams.events import Limits
from ingest_svc.streams.hub import StreamHub
from ingest_svc.streams.ports import Surroundings
from mesh.errors import UnavailableError

pytestmark = pytest.mark.unit


async def test_rates_are_shared_again_after_any_failure_and_each_is_counted() -> None:
    failures: list[str] = []
    answers: list[Exception | None] = [UnavailableError("away"), KeyError("a bug"), None]
    answered = asyncio.Event()

    class Store:
        async def open_elsewhere(self, *_: Any) -> list[Any]:
            answer = answers.pop(0) if answers else None
            if answer is not None:
                raise answer
            answered.set()
            return []

    around = SimpleNamespace(
        store=Store(),
        limits=Limits(save_interval_s=0.001),
        entry=None,
        metrics=SimpleNamespace(failure=failures.append),
    )
    hub = StreamHub(cast("Surroundings", around), asyncio.Event(), asyncio.create_task)
    hub._connections[b"t"] = cast("Any", SimpleNamespace(user="ada", stream_id="s"))
    sharing = asyncio.create_task(hub.share_rates())
    waiting = asyncio.create_task(answered.wait())
    await asyncio.wait([sharing, waiting], return_when=asyncio.FIRST_COMPLETED)
    assert not sharing.done()
    assert failures == ["stream_rates"] * 2
    sharing.cancel()
    await asyncio.gather(sharing, waiting, return_exceptions=True)
