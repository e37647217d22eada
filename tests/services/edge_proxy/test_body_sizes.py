"""What bodies of the edge may weigh, and what they cost, through the real Envoy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

import edge_proxy.render
from tests.services.edge_proxy.recorder import Recorder, recording
from tests.services.edge_proxy.refusals import assert_refused, assert_unknown, details

pytestmark = pytest.mark.service
JUDGE = "/v1/things:judge"
CAPTURES = "/v1/users/ada/captures"
LIMIT = 16 * 1024 * 1024


@pytest.mark.parametrize("http2", [False, True], ids=["chunks", "HTTP/2"])
async def test_bodies_without_a_declared_length(recorder: Recorder, http2: bool) -> None:
    async def pieces(*end: bytes) -> AsyncIterator[bytes]:
        for piece in (b'{"kind": "CAPTURE_KIND_OUTFIT", "im', b'age": {"data": "', *[b"A" * 999_000] * 3, *end):
            yield piece
            await asyncio.sleep(0.01)

    client = httpx.AsyncClient(http1=not http2, http2=http2, trust_env=False, base_url=recorder.http.base_url)
    async with client as http:
        good = await recorder.send_with(http, "POST", CAPTURES, pieces(b'"}', b"}"))
        assert (good.status_code, good.http_version) == (200, "HTTP/2" if http2 else "HTTP/1.1")
        assert len(recorder.upstream.calls) == 1
        assert_unknown(await recorder.send_with(http, "POST", CAPTURES, pieces(b'"}, "col', b'our": 1}')), "colour")
        assert (await recorder.send_with(http, "POST", CAPTURES, pieces(*[b"A" * 999_000] * 15))).status_code == 413
        assert not recorder.upstream.calls


def _picture(length: int) -> bytes:
    """A body of exactly so many bytes."""
    head, tail = b'{"kind": "CAPTURE_KIND_OUTFIT", "image": {"data": "', b'"}}'
    filler = length - len(head) - len(tail)
    return head + b"A" * (filler - filler % 4) + tail + b" " * (filler % 4)


@pytest.mark.parametrize("length", [14_000_000, LIMIT], ids=["picture of 10 MiB", "limit"])
async def test_big_pictures_pass(recorder: Recorder, length: int) -> None:
    answer = await recorder.send("POST", CAPTURES, _picture(length))
    assert answer.status_code == 200
    assert len(recorder.upstream.calls[0][1]) == pytest.approx(length * 3 / 4, abs=100)
    assert_unknown(
        await recorder.send("POST", CAPTURES, _picture(length - 50).replace(b"}}", b'},"colour":1}')), "colour"
    )


@pytest.mark.parametrize("length", [LIMIT + 1, 20_000_000, 30_000_000])
async def test_bigger_ones_do_not(recorder: Recorder, length: int) -> None:
    answer = await recorder.send("POST", CAPTURES, _picture(length))
    assert (answer.status_code, answer.json()["code"]) == (413, 8)
    assert details(answer)["ErrorInfo"]["reason"] == "MESSAGE_TOO_LARGE"
    assert details(answer)["RequestInfo"]["requestId"] == answer.headers["x-request-id"]
    assert not recorder.upstream.calls


async def test_what_is_declared_far_too_big_is_refused_before_it_is_sent(recorder: Recorder) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", recorder.http.base_url.port)
    head = ("host: vitrine", f"authorization: Bearer {recorder.token()}", "content-length: 90000000")
    writer.write("\r\n".join([f"POST {CAPTURES} HTTP/1.1", *head, "", ""]).encode())
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 20)
    writer.close()


async def test_ten_megabytes_cost_less_than_50_ms(
    descriptors: Path, tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, rounds = _picture(10_000_000), 6

    async def cpu_ms(target: Recorder) -> float:
        """CPU time that Envoy needs for one body; wall time would measure the neighbours too."""
        await target.send("POST", CAPTURES, body)
        before = target.cpu_s()
        for _ in range(rounds):
            assert (await target.send("POST", CAPTURES, body)).status_code == 200
        return (target.cpu_s() - before) / rounds * 1000

    with monkeypatch.context() as patched:
        patched.setattr(edge_proxy.render, "requests_script", lambda *_: "-- nothing")
        async with recording(tmp_path, descriptors=descriptors) as without:
            assert (await without.send("POST", JUDGE, '{"colour": 1}')).status_code == 200
            base = await cpu_ms(without)
    assert await cpu_ms(recorder) - base < 50


_ZEROS = b"0" * 24_000
ATTACKS = {
    "backslashes": b'{"name": "' + b"\\\\" * 7_000_000 + b'"}',
    "quotes": b'{"name": "' + b'\\"' * 7_000_000 + b'"}',
    "lists": b'{"words": [' + b"[]," * 4_000_000 + b"1]}",
    "names": b"{" + b'"name":"x",' * 1_000_000 + b'"name":"y"}',
    "long name": b'{"' + b"\\u006b" * 2_000_000 + b'": 1}',
    "unclosed": b'{"childThings": ' * 800_000,
    "zeros in numbers": b'{"numbers": [' + b'"%bx",' % _ZEROS * 600 + b'"0"]}',
    "zeros in enums": b'{"shades": [' + b'"%bx",' % _ZEROS * 600 + b'"0"]}',
    "zeros in durations": b'{"childThings": [' + b'{"timeLeft": "%bx"},' % _ZEROS * 600 + b"{}]}",
    "zeros in keys": b'{"thingsByNumber": {' + b'"%bx": {},' % _ZEROS * 600 + b'"0": {}}}',
}


@pytest.mark.parametrize("body", ATTACKS.values(), ids=ATTACKS)
async def test_nobody_can_keep_the_edge_busy(recorder: Recorder, body: bytes) -> None:
    before = recorder.cpu_s()
    assert (await recorder.send("POST", JUDGE, body)).status_code in (200, 400)
    assert recorder.cpu_s() - before < 3


@pytest.mark.parametrize("name", ["pageSize", "filter.minPrice.units"])
async def test_no_query_can_keep_the_edge_busy(recorder: Recorder, name: str) -> None:
    before = recorder.cpu_s()
    answer = await recorder.send("GET", f"/v1/products?{name}={'0' * 50_000}x", "")
    assert_refused(answer, "page_size" if name == "pageSize" else "filter.min_price.units")
    assert recorder.cpu_s() - before < 1
