"""A user's streams, and their frames, are counted over all processes that share a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from ingest_svc.__main__ import build
from ingest_svc.settings import IngestSettings
from ingest_svc.streams import hub
from ingest_svc.streams.limits.elsewhere import Elsewhere, OpenStream
from mesh.server import serving
from mesh.status import DETAILS_KEY, details_of
from tests.services.ingest.streams.client import StreamClient
from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg
from tests.support.waiting import until

pytestmark = pytest.mark.service
_LIMIT = 2
_SCENE = jpeg(50)


@pytest.fixture(scope="module")
async def ports(ingest: Ingest) -> AsyncIterator[list[int]]:
    """Two processes (here: servers) that let a user have two streams."""
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(2):
            settings = ingest.settings(max_streams_per_user=_LIMIT)
            servers.append(await stack.enter_async_context(serving(settings, build)))
        for server in servers:
            await server.ready.wait()
        yield [server.port for server in servers]


async def _refused(client: StreamClient, **config: str) -> bool:
    """Asks for a stream; a refusal must name limit, scope and setting, and when to come again."""
    try:
        await client.config(**config)
    except AssertionError:
        assert await client.status() is grpc.StatusCode.RESOURCE_EXHAUSTED
    else:
        return False
    trailers = dict(await client.call.trailing_metadata())
    status = status_pb2.Status.FromString(trailers[DETAILS_KEY])
    [info] = details_of(status, error_details_pb2.ErrorInfo)
    assert info.reason == "CAPACITY_REACHED"
    assert info.metadata == {"limit": str(_LIMIT), "scope": "user", "setting": "max_streams_per_user"}
    [retry] = details_of(status, error_details_pb2.RetryInfo)
    assert retry.retry_delay.seconds >= 4
    return True


async def test_streams_elsewhere_count_until_they_end(connect: Connect, ports: list[int]) -> None:
    here, there = connect(port=ports[0]), connect(port=ports[1])
    await here.config()
    await there.config()
    assert await _refused(connect(port=ports[0]))
    assert await _refused(connect(port=ports[1]))
    await there.stop()
    assert not await _refused(connect(port=ports[0]))


async def test_a_client_that_vanishes_leaves_its_seat_at_once(connect: Connect, ports: list[int]) -> None:
    await connect(port=ports[0]).config()
    gone = connect(port=ports[1])
    await gone.config()
    await gone.drop()

    async def free() -> bool:
        return not await _refused(connect(port=ports[0]))

    await until(free, within_s=5)  # three saves would be 15 s


async def test_what_a_dead_process_held_is_free_after_its_lease(
    connect: Connect, ports: list[int], ingest: Ingest, user: str
) -> None:
    for port in ports:
        await connect(port=port).config()
    assert await _refused(connect(port=ports[0]))
    held = "UPDATE ingest.streams SET connected_until_time = {} WHERE user_id = %s RETURNING connected_until_time"
    [(left,), *_] = ingest.rows(
        "SELECT extract(epoch FROM connected_until_time - now())::float FROM ingest.streams WHERE user_id = %s", user
    )
    assert isinstance(left, float)
    assert 10 < left <= 15  # seconds: three saves
    assert len(ingest.rows(held.format("now() - interval '1 second'"), user)) == _LIMIT
    assert not await _refused(connect(port=ports[1], token=ingest.token(user)))


async def test_a_session_is_resumed_at_the_limit_but_not_above_it(
    connect: Connect, ports: list[int], ingest: Ingest, user: str
) -> None:
    first = connect(port=ports[0])
    token = (await first.config()).resume_token
    await connect(port=ports[1]).config()
    second = connect(port=ports[1])
    assert (await second.config(resume_token=token)).resumed  # its own lease does not count
    await second.drop()

    async def let_go() -> bool:
        query = "SELECT count(connected_until_time) FROM ingest.streams WHERE user_id = %s"
        return ingest.rows(query, user) == [(1,)]

    await until(let_go)
    await connect(port=ports[0]).config()
    assert await _refused(connect(port=ports[0]), resume_token=token)
    generation = "SELECT generation FROM ingest.streams WHERE user_id = %s ORDER BY create_time LIMIT 1"
    assert ingest.rows(generation, user) == [(2,)]  # the refusal has changed nothing


async def test_of_many_at_once_as_many_come_in_as_may(connect: Connect, ports: list[int]) -> None:
    refused = await asyncio.gather(*(_refused(connect(port=ports[number % 2])) for number in range(8)))
    assert refused.count(False) == _LIMIT


async def test_frame_rate_of_a_user_holds_over_all_processes(
    connect: Connect, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Watched(Elsewhere):
        def see(self, streams: Sequence[OpenStream]) -> None:
            super().see(streams)
            seen.extend(it.stream_id for it in streams)

    monkeypatch.setattr(hub, "Elsewhere", Watched)

    def settings() -> IngestSettings:
        return ingest.settings(max_frame_rate_fps=0.2, frame_burst_s=500.0, stream_save_s=0.1)

    async with serving(settings(), build) as one, serving(settings(), build) as two:
        await one.ready.wait()
        await two.ready.wait()
        here, there = connect(port=one.port), connect(port=two.port)
        await here.config()
        other = (await there.config()).name.rpartition("/")[2]

        async def known() -> bool:
            return other in seen

        await until(known)
        for _ in range(80):
            await here.frame(_SCENE)
        totals = (await here.stop()).totals
        await there.stop()
    let_in = totals.received_count - totals.rejected_count
    assert 50 <= let_in < 80  # half of the burst (and one frame more in 5 s); all of it without the other stream
