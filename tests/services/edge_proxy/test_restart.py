"""Envoy is killed under its callers; the keeper of the embedded mesh starts it again and they go on by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from vitrine.ingest.v1 import stream_service_pb2, stream_service_pb2_grpc
from vitrine.vision.v1 import garment_service_pb2, garment_service_pb2_grpc

from tests.services.edge_proxy.recorder import Recorder, recording

pytestmark = pytest.mark.service
PATIENCE_S = 5
QUICKLY = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]


@pytest.fixture(scope="module")
async def recorder(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorder]:
    async with recording(tmp_path_factory.mktemp("restart")) as running:
        yield running


@contextlib.asynccontextmanager
async def _open_stream(recorder: Recorder, channel: grpc.aio.Channel) -> AsyncIterator[Any]:
    metadata = (("authorization", f"Bearer {recorder.token()}"),)
    stream = stream_service_pb2_grpc.StreamServiceStub(channel).StreamFrames(metadata=metadata)
    await stream.write(stream_service_pb2.StreamFramesRequest())
    for _ in range(100 * PATIENCE_S):
        if recorder.upstream.calls:
            break
        await asyncio.sleep(0.01)
    try:
        yield stream
    finally:
        stream.cancel()


async def test_callers_go_on_after_envoy_was_killed(recorder: Recorder) -> None:
    target = f"127.0.0.1:{recorder.http.base_url.port}"
    async with grpc.aio.insecure_channel(target, QUICKLY) as channel:
        recorder.upstream.calls.clear()
        async with _open_stream(recorder, channel) as stream:
            began, restarts = time.monotonic(), recorder.envoy.restarts
            killed = recorder.envoy.kill()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await asyncio.wait_for(stream.read(), PATIENCE_S)
        assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL)

        await asyncio.wait_for(recorder.envoy.successor_of(killed), PATIENCE_S)
        await recorder.until_open()  # the same client over HTTP/1.1
        embed = garment_service_pb2_grpc.GarmentServiceStub(channel).EmbedText
        metadata = (("authorization", f"Bearer {recorder.token()}"),)
        await embed(
            garment_service_pb2.EmbedTextRequest(text="shirt"),
            metadata=metadata, wait_for_ready=True, timeout=PATIENCE_S,
        )  # fmt: skip
        recorder.upstream.calls.clear()
        async with _open_stream(recorder, channel):
            assert time.monotonic() - began < PATIENCE_S
        assert recorder.envoy.restarts == restarts + 1


async def test_unknown_fields_are_refused_by_the_new_envoy_too(recorder: Recorder) -> None:
    killed = recorder.envoy.kill()
    await asyncio.wait_for(recorder.envoy.successor_of(killed), PATIENCE_S)
    await recorder.until_open()
    answer = await recorder.send("POST", "/v1/texts:embed", '{"text": "shirt", "colour": 1}')
    assert answer.status_code == 400
    assert "colour" in answer.json()["message"]
