"""Settings, the context for rankings, export and erasure."""

from __future__ import annotations

from typing import cast

import grpc
import psycopg
import pytest
import sqlalchemy as sa
from google.protobuf.field_mask_pb2 import FieldMask
from vitrine.profile.v1 import profile_pb2
from vitrine.profile.v1 import profile_service_pb2 as pb

from mesh.database import Database
from profile_svc.storage import taste
from profile_svc.use_cases.privacy import Privacy
from tests.services.profile.conftest import Mesh
from tests.services.profile.failures import failure_of
from tests.services.profile.outfits import garment, sighting

pytestmark = pytest.mark.service


async def update(mesh: Mesh, user_id: str, profile: profile_pb2.Profile, *paths: str) -> profile_pb2.Profile:
    owner = mesh.user(user_id)
    profile.name = f"users/{user_id}/profile"
    request = pb.UpdateProfileRequest(profile=profile, update_mask=FieldMask(paths=paths))
    return (await owner.profiles.UpdateProfile(request, metadata=owner.metadata)).profile


async def read(mesh: Mesh, user_id: str) -> profile_pb2.Profile:
    owner = mesh.user(user_id)
    request = pb.GetProfileRequest(name=f"users/{user_id}/profile")
    return (await owner.profiles.GetProfile(request, metadata=owner.metadata)).profile


async def test_unknown_user_has_an_empty_profile(mesh: Mesh, user_id: str) -> None:
    profile = await read(mesh, user_id)
    assert [axis.score for axis in profile.radar.axes] == [50] * 5
    assert profile.sequence == profile.radar.sighting_count == 0
    assert not profile.HasField("create_time")
    granted = {profile_pb2.ConsentKind.Name(item.kind): item.granted for item in profile.consents}
    assert granted == {
        "CONSENT_KIND_TASTE_LEARNING": True,
        "CONSENT_KIND_PERSONAL_RANKING": True,
        "CONSENT_KIND_FACE_FINDINGS": False,
        "CONSENT_KIND_BODY_FINDINGS": False,
        "CONSENT_KIND_EXTERNAL_LANGUAGE_MODEL": False,
    }


async def test_update_sets_the_masked_fields_and_moves_the_etag(mesh: Mesh, user_id: str) -> None:
    wanted = profile_pb2.Profile(display_name="Ada")
    wanted.preferences.sizes["top"] = "M"
    wanted.preferences.budget.currency_code = "EUR"
    wanted.preferences.budget.units = 120
    first = await update(mesh, user_id, wanted)
    assert (first.display_name, dict(first.preferences.sizes)) == ("Ada", {"top": "M"})
    assert first.preferences.budget.units == 120
    second = await update(mesh, user_id, profile_pb2.Profile(etag=first.etag), "preferences.budget")
    assert not second.preferences.HasField("budget")
    assert dict(second.preferences.sizes) == {"top": "M"}
    assert second.etag != first.etag
    assert second.sequence == first.sequence + 1
    same = await update(mesh, user_id, profile_pb2.Profile(), "preferences.budget")
    assert same.sequence == second.sequence


async def test_update_with_an_old_etag_is_refused(mesh: Mesh, user_id: str) -> None:
    old = await read(mesh, user_id)
    await update(mesh, user_id, profile_pb2.Profile(display_name="Ada"))
    owner = mesh.user(user_id)
    stale = profile_pb2.Profile(name=old.name, display_name="Bo", etag=old.etag)
    failure = await failure_of(
        owner.profiles.UpdateProfile(pb.UpdateProfileRequest(profile=stale), metadata=owner.metadata)
    )
    assert (failure.code, failure.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert (await read(mesh, user_id)).display_name == "Ada"


async def test_signing_secret_is_told_once_and_to_services(mesh: Mesh, user_id: str) -> None:
    wanted = profile_pb2.Profile()
    wanted.summary_webhook.url = "https://example.com/hook"
    made = (await update(mesh, user_id, wanted)).summary_webhook
    assert len(made.signing_secret) >= 32
    seen = (await read(mesh, user_id)).summary_webhook
    assert (seen.url, seen.signing_secret, seen.has_signing_secret) == (made.url, "", True)
    ingest = mesh.service()
    request = pb.GetProfileRequest(name=f"users/{user_id}/profile")
    answer = await ingest.profiles.GetProfile(request, metadata=ingest.metadata)
    assert answer.profile.summary_webhook.signing_secret == made.signing_secret
    assert (await update(mesh, user_id, profile_pb2.Profile(display_name="A"))).summary_webhook.signing_secret == ""


AVOIDED = {
    "avoided_brands": ["Mare"],
    "avoided_colors": ["red", "mustard"],
    "avoided_materials": ["wool"],
    "departments": ["men", "unisex"],
}


async def test_personal_context_is_what_the_user_said_and_wore(mesh: Mesh, user_id: str) -> None:
    wanted = profile_pb2.Profile()
    wanted.preferences.sizes["shoes"] = "42"
    wanted.preferences.preferred_brands.append("Nordlys")
    wanted.preferences.color_season, wanted.preferences.currency_code = "dark winter", "SEK"
    for name, values in AVOIDED.items():
        getattr(wanted.preferences, name).extend(values)
    await update(mesh, user_id, wanted)
    ingest, owner = mesh.service(), mesh.user(user_id)
    await ingest.profiles.RecordSighting(sighting(user_id, "e"), metadata=ingest.metadata)
    request = pb.GetPersonalContextRequest(name=f"users/{user_id}/personalContext")
    context = (await owner.profiles.GetPersonalContext(request, metadata=owner.metadata)).context
    assert context.taste.model == "m/1"
    assert list(context.taste.values) == pytest.approx(list(garment().embedding.values), abs=1e-6)
    assert dict(context.sizes) == {"shoes": "42"}
    assert list(context.preferred_brands) == ["Nordlys"]
    assert (context.color_season, context.currency_code) == ("dark winter", "SEK")
    assert {name: list(getattr(context, name)) for name in AVOIDED} == AVOIDED
    kept = (await read(mesh, user_id)).preferences
    assert kept == wanted.preferences
    request.embedding_model = "another/2"
    other = (await owner.profiles.GetPersonalContext(request, metadata=owner.metadata)).context
    assert not other.HasField("taste")
    refusal = profile_pb2.Profile()
    refusal.consents.add(kind=profile_pb2.CONSENT_KIND_PERSONAL_RANKING, granted=False)
    await update(mesh, user_id, refusal)
    silent = (await owner.profiles.GetPersonalContext(request, metadata=owner.metadata)).context
    assert silent.ByteSize() == 0


async def test_one_taste_stands_for_all_so_far(mesh: Mesh, user_id: str) -> None:
    owner, ingest = mesh.user(user_id), mesh.service()
    request = pb.ListTastesRequest(parent=f"users/{user_id}")
    assert not (await owner.profiles.ListTastes(request, metadata=owner.metadata)).tastes
    await ingest.profiles.RecordSighting(sighting(user_id, "e"), metadata=ingest.metadata)
    (taste,) = (await owner.profiles.ListTastes(request, metadata=owner.metadata)).tastes
    assert (taste.name, taste.weight, taste.sighting_count) == (f"users/{user_id}/tastes/overall", 1.0, 1)
    assert taste.embedding.model == "m/1"


async def test_export_holds_everything_and_erase_removes_it(mesh: Mesh, user_id: str) -> None:
    ingest = mesh.service()
    await update(mesh, user_id, profile_pb2.Profile(display_name="Ada"))
    for n in range(3):
        await ingest.profiles.RecordSighting(sighting(user_id, f"e{n}"), metadata=ingest.metadata)
    owner = mesh.user(user_id)
    name = f"users/{user_id}"
    await owner.profiles.UndoSighting(pb.UndoSightingRequest(name=f"{name}/sightings/e1"), metadata=owner.metadata)
    records = [
        record
        async for record in ingest.profiles.ExportProfile(pb.ExportProfileRequest(name=name), metadata=ingest.metadata)
    ]
    assert [record.WhichOneof("record") for record in records] == ["profile", "taste"] + ["taste_event"] * 4
    assert records[0].profile.display_name == "Ada"
    events = [record.taste_event for record in records[2:]]
    assert [event.event_id for event in events[:3]] == ["e0", "e1", "e2"]
    assert events[3].undone_event_id == "e1"
    sent, kept = garment(), events[0].garments[0]
    assert (kept.attributes, kept.embedding, kept.score) == (sent.attributes, sent.embedding, sent.score)

    erased = await ingest.profiles.EraseProfile(pb.EraseProfileRequest(name=name), metadata=ingest.metadata)
    items = {item.kind: list(item.keys) for item in erased.items}
    assert items["users"] == [user_id]
    assert len(items["taste_events"]) == 4
    assert {"e0", "e1", "e2"} < set(items["taste_events"])
    assert items["changes"] == ["1", "2", "3", "4", "5"]
    assert all(item.count == len(item.keys) for item in erased.items)
    with psycopg.connect(mesh.database_url.replace("+psycopg", "")) as connection:
        tables = connection.execute(
            "select table_name from information_schema.columns"
            " where table_schema = 'profile' and column_name = 'user_id'"
        ).fetchall()
        assert sorted(row[0] for row in tables) == sorted(items)
        for (table,) in tables:
            left = connection.execute(
                psycopg.sql.SQL("select count(*) from profile.{} where user_id = %s").format(
                    psycopg.sql.Identifier(table)
                ),
                (user_id,),
            ).fetchone()
            assert left == (0,), table
    again = await ingest.profiles.EraseProfile(pb.EraseProfileRequest(name=name), metadata=ingest.metadata)
    assert all(item.count == 0 for item in again.items)
    assert (await read(mesh, user_id)).sequence == 0


async def test_export_by_a_slow_reader_holds_no_connection(
    mesh: Mesh, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taste, "PAGE", 2)
    ingest = mesh.service()
    for n in range(5):
        await ingest.profiles.RecordSighting(sighting(user_id, f"e{n}"), metadata=ingest.metadata)
    database = Database(mesh.database_url, "profile", "profile_svc.migrations", pool_size=1)
    pool = cast("sa.QueuePool", database.engine.pool)
    seen: list[object] = []
    async for record in Privacy(database).export(user_id):
        assert pool.checkedout() == 0
        if not seen:
            await ingest.profiles.RecordSighting(sighting(user_id, "late"), metadata=ingest.metadata)
        seen.append(record)
    await database.close()
    assert [event.event_id for event in seen[1:] if isinstance(event, taste.EventRow)] == [f"e{n}" for n in range(5)]
