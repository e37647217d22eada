"""Streams through kills and faults, on each way: books agree to the frame, results come once, taste counts once."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Sequence

import pytest
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.sdk.plans import Plan

from tests.chaos.books import Books
from tests.chaos.diary import Diary
from tests.chaos.kills import VICTIMS, all_hold, kill, under_way
from tests.chaos.network import ROUNDS, plan_of
from tests.chaos.riders import Rider, SdkRider
from tests.chaos.scenes import FPS, RECOVERY_S, SECONDS
from tests.chaos.taste import check_taste

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 + 4 * SECONDS)]
# When the strike comes, as a share of the stream.
_STRIKE = 0.35
_PATIENCE_S = 150.0 + 2 * SECONDS


@pytest.mark.parametrize("victim", VICTIMS)
async def test_kill_9_under_open_streams(mesh: EmbeddedMesh, victim: str) -> None:
    users = {way: f"kill-{uuid.uuid4().hex[:8]}" for way in ("sdk", "ws-proto", "ws-json")}
    plan, enough = Plan.steady(round(_PATIENCE_S * FPS), FPS), asyncio.Event()
    sockets = [Rider(mesh, way, users[way], plan, enough) for way in ("ws-proto", "ws-json")]
    riders: list[SdkRider | Rider] = [SdkRider(mesh, users["sdk"], enough), *sockets]
    async with asyncio.timeout(_PATIENCE_S), under_way(riders) as riding:
        began = time.monotonic()
        await all_hold(riders, riding, lambda it: bool(it.results) and len(it.sent) >= SECONDS * FPS * _STRIKE)
        backs = []
        for names in VICTIMS[victim]:
            await kill(mesh, names)
            backs.append(time.monotonic())
            await all_hold(riders, riding, lambda it: it.is_well_since(backs[-1]))
        await asyncio.sleep(began + SECONDS - time.monotonic())
        enough.set()
        diaries = await asyncio.gather(*riding)
    for way, diary in zip(users, diaries, strict=True):
        news_s = [round(diary.first_news_after(back) or 0.0, 2) for back in backs]
        _print(killed=victim, way=way, recovery_s=news_s, diary=diary)
        assert max(news_s) <= RECOVERY_S
        assert len(diary.connections) > 1 or victim not in ("each replica", "envoy", "all before"), "it was hit"
        diary.check()
        await check_taste(mesh, users[way], diary, unheard=len(backs))
    query = "SELECT user_id FROM ingest.streams WHERE user_id = ANY(%s)"
    assert await Books(mesh).rows(query, list(users.values())) == [], "stopped sessions leave nothing"


@pytest.mark.parametrize("rides", ROUNDS.values(), ids=ROUNDS)
async def test_faults_of_network_and_camera(mesh: EmbeddedMesh, rides: Sequence[tuple[str, str]]) -> None:
    riders = [Rider(mesh, way, f"fault-{uuid.uuid4().hex[:8]}", plan_of(kind)) for kind, way in rides]
    async with asyncio.timeout(_PATIENCE_S):
        diaries = await asyncio.gather(*(rider.ride() for rider in riders))
    for (kind, way), rider, diary in zip(rides, riders, diaries, strict=True):
        _print(fault=kind, way=way, diary=diary)
        diary.check()
        assert diary.results
        cuts = len(rider.plan.cuts)
        assert min(2, 1 + cuts) <= len(diary.connections) <= 1 + cuts, "a cut may come before the last one was mended"
        await check_taste(mesh, rider.user, diary, unheard=cuts)
        if not cuts:  # nothing else goes missing, so that the plan says what is in the books
            _check_marks(rider, diary)


def _check_marks(rider: Rider, diary: Diary) -> None:
    """What was never sent is lost, what was overtaken is late, what is damaged and was looked at is rejected."""
    account = rider.plan.account()
    assert diary.final is not None
    highest = diary.final.totals.highest_frame_number
    assert highest == account.numbered - account.unseen
    lost = {number for number in range(1, highest + 1) if diary.book.get(number, "lost") == "lost"}
    assert lost == {number for number in account.never_sent if number <= highest}
    assert diary.copies == diary.copies_told == account.copies
    assert {diary.book[number] for number in account.overtaken} <= {"late"}
    rejected = {number for number, word in diary.book.items() if word == "rejected"}
    assert rejected == set(diary.reasons)
    pictures = {number for number in rejected if diary.reasons[number].startswith("IMAGE_")}
    assert pictures <= set(account.damaged)
    assert bool(pictures) == bool(account.damaged), "of so many damaged frames some are looked at"
    assert not rejected & {it.frame_number for it in diary.results}


def _print(*, diary: Diary, **about: object) -> None:
    """The figures of docs/chaos.md."""
    assert diary.final is not None
    totals = {field.name.removesuffix("_count"): value for field, value in diary.final.totals.ListFields()}
    degraded = sum(bool(it.degraded_parts) for it in diary.results)
    line = {**about, "connections": len(diary.connections), "results": len(diary.results), "degraded": degraded}
    print("\nchaos", json.dumps(line | {"totals": totals}))  # noqa: T201 - shown by `make chaos`
