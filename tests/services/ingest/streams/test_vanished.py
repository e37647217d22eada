"""A client that is killed has not ended its stream, though grpc.aio ends its messages as if it had said all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.services.ingest.streams.conftest import Connect, Ingest, jpeg
from tests.services.ingest.streams.neighbours import Neighbours
from tests.support.waiting import until

pytestmark = pytest.mark.service

_CLIENT = """
import asyncio, pathlib, sys
from tests.services.ingest.streams.client import StreamClient

async def main(port, token, user, photo):
    client = StreamClient(int(port), token, user)
    ready = await client.config()
    await client.frame(pathlib.Path(photo).read_bytes())
    await client.ack(1)
    print(ready.resume_token, flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def _killed(ingest: Ingest, user: str, photo: Path) -> str:
    """Runs a client in a process of its own, kills that when its keyframe is in work, and returns the resume token."""
    paths = os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])
    words = (str(ingest.replicas[0].server.port), ingest.token(user), user, str(photo))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENT, *words, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    )
    assert process.stdout is not None
    token = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    return token


async def _half_closed(connect: Connect) -> str:
    client = connect()
    ready = await client.config()
    await client.frame(jpeg(30))
    await client.ack(1)
    await client.call.done_writing()
    return str(ready.resume_token)


@pytest.mark.parametrize("killed", [pytest.param(True, id="killed"), pytest.param(False, id="said-all")])
async def test_end_of_the_messages_is_told_from_a_client_that_vanished(
    connect: Connect, ingest: Ingest, near: Neighbours, user: str, tmp_path: Path, killed: bool
) -> None:
    near.delay_s = 0.5  # the keyframe is in work when the client goes
    photo = tmp_path / "frame.jpg"
    photo.write_bytes(jpeg(30))
    with capture_logs() as lines:
        token = await _killed(ingest, user, photo) if killed else await _half_closed(connect)

        async def ended() -> bool:
            return any(line["event"] == "rpc" for line in lines)

        await until(ended)
    assert [line["code"] for line in lines if line["event"] == "rpc"] == ["CANCELLED" if killed else "OK"]
    resumed = connect()
    again = await resumed.config(resume_token=token)  # neither has ended the session: only the command `stop` does
    assert (again.replayed_result_count, again.totals.processed_count) == (1, 1)
    result = await resumed.result(1)
    assert near.sightings[result.event_id] == 1
