"""The signed summary after a processed capture, sent to a real receiver."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from pydantic import SecretStr

from tests.services.ingest.captures.conftest import Mesh, User, until, working

pytestmark = pytest.mark.service
SECRET = "a key that is known to both sides only"  # noqa: S105 - of a receiver in this test


@dataclass
class Receiver:
    """Takes summaries; answers with the statuses that it was told, then with 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    deliveries: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.deliveries.append((dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 204)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/hook", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made.url = f"http://127.0.0.1:{port}/hook"
    yield made
    await runner.cleanup()


def signed(headers: dict[str, str], body: bytes) -> bool:
    """What the receiver of the documentation does."""
    timestamp = headers["Vitrine-Webhook-Timestamp"]
    assert abs(time.time() - int(timestamp)) < 60
    expected = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers["Vitrine-Webhook-Signature"], f"v1={expected}")


async def test_summary_goes_to_the_users_own_address_signed(
    mesh: Mesh, user: User, photo: bytes, receiver: Receiver
) -> None:
    mesh.peers.profile.webhooks[user.subject] = (receiver.url, SECRET)
    async with working(mesh):
        capture = await user.finished((await user.create(photo)).name)
        await until(lambda: _arrived(receiver, 1))
    headers, body = receiver.deliveries[0]
    assert signed(headers, body)
    summary = json.loads(body)
    assert (summary["type"], summary["capture"]) == ("capture.succeeded", capture.name)
    assert [garment["category"] for garment in summary["garments"]] == ["shirt", "trousers"]
    assert summary["garments"][0]["colors"] == ["navy"]
    assert summary["garments"][0]["closest_product"]["price"] == "40.00 EUR"
    assert summary["taste"] == [{"axis": "casual_formal", "delta": 4.0, "towards": "formal"}]


async def test_summary_is_sent_again_when_the_receiver_stumbles(
    mesh: Mesh, user: User, photo: bytes, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest_svc.captures.summaries._FIRST_RETRY_S", 0.05)
    receiver.statuses = [500, 429]
    changes = {"summary_webhook_url": receiver.url, "summary_webhook_secret": SecretStr(SECRET)}
    async with working(mesh, **changes):
        await user.finished((await user.create(photo)).name)
        await until(lambda: _arrived(receiver, 3))
    assert all(signed(*delivery) for delivery in receiver.deliveries)
    assert len({headers["Vitrine-Webhook-Id"] for headers, _ in receiver.deliveries}) == 1


async def test_summary_for_a_user_waits_for_a_profile_that_is_away(
    mesh: Mesh, user: User, photo: bytes, receiver: Receiver
) -> None:
    """Only the profile knows the address; the message goes out once, with the taste that came with it."""
    mesh.peers.profile.webhooks[user.subject] = (receiver.url, SECRET)
    await mesh.peers.profile.stop()
    async with working(mesh, taste_retry_longest_s=0.2):
        capture = await user.finished((await user.create(photo)).name)
        assert capture.outfit.taste_pending
        await asyncio.sleep(0.5)
        await mesh.peers.profile.start()
        await until(lambda: _arrived(receiver, 1))
        await until(lambda: _no_jobs(mesh))
    (delivery,) = receiver.deliveries
    assert json.loads(delivery[1])["taste"] == [{"axis": "casual_formal", "delta": 4.0, "towards": "formal"}]


async def test_profile_that_goes_away_before_a_summary_costs_no_attempts(
    mesh: Mesh, user: User, photo: bytes, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest_svc.captures.summaries._FIRST_RETRY_S", 0.05)
    monkeypatch.setattr("ingest_svc.captures.summaries._LONGEST_RETRY_S", 0.1)
    mesh.peers.profile.webhooks[user.subject] = (receiver.url, SECRET)
    mesh.peers.profile.lost.add("GetProfile")
    async with working(mesh, webhook_max_attempts=2):
        await user.finished((await user.create(photo)).name)
        await until(lambda: _asked(mesh, user, 12))  # the channel asks up to four times in one attempt
        mesh.peers.profile.lost.clear()
        await until(lambda: _arrived(receiver, 1))


@pytest.mark.parametrize("status", [302, 400, 410])
async def test_summary_that_is_refused_is_not_sent_again(
    mesh: Mesh, user: User, photo: bytes, receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status]
    changes = {"summary_webhook_url": receiver.url, "summary_webhook_secret": SecretStr(SECRET)}
    async with working(mesh, user_webhooks=False, **changes):
        await user.finished((await user.create(photo)).name)
        await until(lambda: _no_jobs(mesh))
    assert len(receiver.deliveries) == 1


async def test_private_address_is_not_called_unless_allowed(
    mesh: Mesh, user: User, photo: bytes, receiver: Receiver
) -> None:
    mesh.peers.profile.webhooks[user.subject] = (receiver.url, SECRET)
    async with working(mesh, webhook_allow_private=False):
        await user.finished((await user.create(photo)).name)
        await until(lambda: _no_jobs(mesh))
    assert not receiver.deliveries


async def _arrived(receiver: Receiver, count: int) -> bool:
    return len(receiver.deliveries) >= count


async def _asked(mesh: Mesh, user: User, times: int) -> bool:
    return mesh.peers.profile.asked.count(user.name) >= times


async def _no_jobs(mesh: Mesh) -> bool:
    await asyncio.sleep(0.1)
    return not await mesh.rows("select 1 from procrastinate_jobs where task_name = 'ingest.send_summary'")
