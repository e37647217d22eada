"""What is refused, as tables: bad input, other users, and what is not built yet. Nothing of it leaves a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import psycopg
import pytest
from vitrine.profile.v1 import avatar_service_pb2 as avatar_pb
from vitrine.profile.v1 import profile_service_pb2 as pb
from vitrine.profile.v1 import stylist_service_pb2 as stylist_pb

from mesh.paging import Scalar, encode_token
from tests.services.profile.conftest import Mesh
from tests.services.profile.failures import failure_of
from tests.services.profile.outfits import garment, sighting

pytestmark = pytest.mark.service

USER = "mallory"
NAN = float("nan")


def spoiled(change: Callable[[pb.RecordSightingRequest], object]) -> pb.RecordSightingRequest:
    request = sighting(USER, "e")
    change(request)
    return request


def set_path(path: str, value: object) -> Callable[[pb.RecordSightingRequest], object]:
    def change(request: Any) -> None:
        *parents, leaf = path.split(".")
        for parent in parents:
            request = request[int(parent)] if parent.isdigit() else getattr(request, parent)
        setattr(request, leaf, value)

    return change


LOOKS = "outfit.garments.0.attributes"
BAD_SIGHTINGS = {
    "empty": (pb.RecordSightingRequest(), "parent"),
    "parent": (spoiled(set_path("parent", "users/a/b")), "parent"),
    "event id": (spoiled(set_path("event_id", "a b")), "event_id"),
    "no source": (spoiled(lambda request: request.ClearField("capture")), "source"),
    "another user's capture": (spoiled(set_path("capture", "users/eve/captures/c")), "capture"),
    "nothing seen": (spoiled(lambda request: request.ClearField("outfit")), "sighting"),
    "no garments": (spoiled(lambda request: request.outfit.ClearField("garments")), "outfit.garments"),
    "33 garments": (
        spoiled(lambda request: request.outfit.garments.extend(garment(f"g{n}") for n in range(1, 33))),
        "outfit.garments",
    ),
    "same ids": (spoiled(lambda request: request.outfit.garments.append(garment())), "outfit.garments"),
    "no garment id": (spoiled(set_path("outfit.garments.0.garment_id", "")), "outfit.garments[0].garment_id"),
    "score": (spoiled(set_path("outfit.garments.0.score", 1.5)), "outfit.garments[0].score"),
    "score is NaN": (spoiled(set_path("outfit.garments.0.score", NAN)), "outfit.garments[0].score"),
    "bucket": (spoiled(set_path("outfit.garments.0.bucket", 77)), "outfit.garments[0].bucket"),
    "formality": (spoiled(set_path(f"{LOOKS}.style.formality", -1)), "outfit.garments[0].attributes.style.formality"),
    "lab": (spoiled(set_path(f"{LOOKS}.colors.0.lab.a", NAN)), "outfit.garments[0].attributes.colors[0].lab.a"),
    "hex": (spoiled(set_path(f"{LOOKS}.colors.0.hex", "blue")), "outfit.garments[0].attributes.colors[0].hex"),
    "long category": (spoiled(set_path("outfit.garments.0.category", "x" * 61)), "outfit.garments[0].category"),
    "model": (spoiled(set_path("outfit.garments.0.embedding.model", "")), "outfit.garments[0].embedding.model"),
    "empty vector": (
        spoiled(lambda request: request.outfit.garments[0].embedding.ClearField("values")),
        "outfit.garments[0].embedding.values",
    ),
    "vector of another length": (
        spoiled(lambda request: request.outfit.garments[0].embedding.values.append(2.0)),
        "outfit.garments[0].embedding.values",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "field"), BAD_SIGHTINGS.values(), ids=BAD_SIGHTINGS.keys())
async def test_bad_sighting_is_refused_by_field(mesh: Mesh, request_: pb.RecordSightingRequest, field: str) -> None:
    ingest = mesh.service()
    failure = await failure_of(ingest.profiles.RecordSighting(request_, metadata=ingest.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert field in failure.fields
    assert not rows_of(mesh, USER)


def rows_of(mesh: Mesh, user_id: str) -> list[tuple[object, ...]]:
    with psycopg.connect(mesh.database_url.replace("+psycopg", "")) as connection:
        return connection.execute("select 1 from profile.users where user_id = %s", (user_id,)).fetchall()


def profile_update(**fields: object) -> pb.UpdateProfileRequest:
    request = pb.UpdateProfileRequest()
    request.profile.name = f"users/{USER}/profile"
    for path, value in fields.items():
        target: Any = request.profile
        *parents, leaf = path.split("__")
        for parent in parents:
            target = getattr(target, parent)
        if isinstance(value, list):
            getattr(target, leaf).extend(value)
        elif isinstance(value, dict):
            getattr(target, leaf).update(value)
        else:
            setattr(target, leaf, value)
    return request


BAD_UPDATES = {
    "no profile": (pb.UpdateProfileRequest(), "profile"),
    "long name": (profile_update(display_name="x" * 101), "profile.display_name"),
    "currency": (profile_update(preferences__budget__currency_code="euro"), "profile.preferences.budget"),
    "size of what": (profile_update(preferences__sizes={"hat": "M"}), 'profile.preferences.sizes["hat"]'),
    "department": (profile_update(preferences__departments=["dogs"]), "profile.preferences.departments[0]"),
    "season": (profile_update(preferences__color_season="dark"), "profile.preferences.color_season"),
    "brand twice": (profile_update(preferences__preferred_brands=["a", "a"]), "profile.preferences.preferred_brands"),
    "webhook into the network": (
        profile_update(summary_webhook__url="http://10.0.0.1/"),
        "profile.summary_webhook.url",
    ),
    "short secret": (
        profile_update(summary_webhook__signing_secret="short"),  # noqa: S106
        "profile.summary_webhook.signing_secret",
    ),
}


@pytest.mark.parametrize(("request_", "field"), BAD_UPDATES.values(), ids=BAD_UPDATES.keys())
async def test_bad_update_is_refused_by_field(mesh: Mesh, request_: pb.UpdateProfileRequest, field: str) -> None:
    owner = mesh.user(USER)
    failure = await failure_of(owner.profiles.UpdateProfile(request_, metadata=owner.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert field in failure.fields
    assert not rows_of(mesh, USER)


@pytest.mark.parametrize("path", ["radar", "name", "nonsense"])
async def test_mask_that_cannot_be_set_is_refused(mesh: Mesh, path: str) -> None:
    owner = mesh.user(USER)
    request = profile_update(display_name="M")
    request.update_mask.paths.append(path)
    failure = await failure_of(owner.profiles.UpdateProfile(request, metadata=owner.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_UPDATE_MASK")
    assert not rows_of(mesh, USER)


def forged(*cursor: Scalar) -> pb.ListRadarHistoryRequest:
    """A request with a token that decodes, and that no answer of ours held."""
    parent = f"users/{USER}"
    return pb.ListRadarHistoryRequest(
        parent=parent, page_token=encode_token("ListRadarHistory", {"parent": parent}, cursor)
    )


BAD_PAGES = [
    (pb.ListRadarHistoryRequest(parent=f"users/{USER}", page_size=-1), "INVALID_FIELD", "page_size"),
    (pb.ListRadarHistoryRequest(parent=f"users/{USER}", page_token="x"), "INVALID_PAGE_TOKEN", "page_token"),  # noqa: S106
    *(
        (forged(*cursor), "INVALID_PAGE_TOKEN", "page_token")
        for cursor in [(), ("x",), (None,), (1.5,), (-1,), (1 << 70,), (1, 2)]
    ),
]


@pytest.mark.parametrize(("request_", "reason", "field"), BAD_PAGES)
async def test_bad_page_is_refused(mesh: Mesh, request_: pb.ListRadarHistoryRequest, reason: str, field: str) -> None:
    owner = mesh.user(USER)
    failure = await failure_of(owner.profiles.ListRadarHistory(request_, metadata=owner.metadata))
    assert (failure.code, failure.reason, failure.fields) == (grpc.StatusCode.INVALID_ARGUMENT, reason, (field,))


OF_EVE = {
    "GetProfile": pb.GetProfileRequest(name="users/eve/profile"),
    "UpdateProfile": pb.UpdateProfileRequest(profile={"name": "users/eve/profile"}),  # type: ignore[arg-type]
    "UndoSighting": pb.UndoSightingRequest(name="users/eve/sightings/e"),
    "GetRadar": pb.GetRadarRequest(name="users/eve/radar"),
    "ListRadarHistory": pb.ListRadarHistoryRequest(parent="users/eve"),
    "ListTastes": pb.ListTastesRequest(parent="users/eve"),
    "GetPersonalContext": pb.GetPersonalContextRequest(name="users/eve/personalContext"),
    "WatchProfile": pb.WatchProfileRequest(name="users/eve/profile"),
}
INTERNAL = {
    "RecordSighting": sighting(USER, "e"),
    "ExportProfile": pb.ExportProfileRequest(name=f"users/{USER}"),
    "EraseProfile": pb.EraseProfileRequest(name=f"users/{USER}"),
}


@pytest.mark.parametrize("rpc", OF_EVE)
async def test_profile_of_another_user_is_refused(mesh: Mesh, rpc: str) -> None:
    caller = mesh.user(USER)
    failure = await failure_of(getattr(caller.profiles, rpc)(OF_EVE[rpc], metadata=caller.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_OWNER")


@pytest.mark.parametrize("rpc", INTERNAL)
async def test_internal_rpc_is_refused_to_its_own_user(mesh: Mesh, rpc: str) -> None:
    caller = mesh.user(USER)
    failure = await failure_of(getattr(caller.profiles, rpc)(INTERNAL[rpc], metadata=caller.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")
    assert failure.metadata == {"role": "service"}


def test_every_rpc_of_the_service_stands_in_a_table() -> None:
    methods = pb.DESCRIPTOR.services_by_name["ProfileService"].methods_by_name
    assert set(methods) == set(OF_EVE) | set(INTERNAL)


NOT_YET = {
    "GetLatestAvatar": ("avatars", avatar_pb.GetLatestAvatarRequest(parent=f"users/{USER}")),
    "ListAvatars": ("avatars", avatar_pb.ListAvatarsRequest(parent=f"users/{USER}")),
    "GetAvatarMesh": ("avatars", avatar_pb.GetAvatarMeshRequest(name=f"users/{USER}/avatars/1")),
    "Chat": ("stylist", stylist_pb.ChatRequest(parent=f"users/{USER}", message="hi")),
    "StreamChat": ("stylist", stylist_pb.StreamChatRequest(parent=f"users/{USER}", message="hi")),
    "ListConversations": ("stylist", stylist_pb.ListConversationsRequest(parent=f"users/{USER}")),
    "GetConversation": ("stylist", stylist_pb.GetConversationRequest(name=f"users/{USER}/conversations/1")),
    "DeleteConversation": ("stylist", stylist_pb.DeleteConversationRequest(name=f"users/{USER}/conversations/1")),
}


@pytest.mark.parametrize("rpc", NOT_YET)
async def test_what_is_not_built_says_so(mesh: Mesh, rpc: str) -> None:
    service, request = NOT_YET[rpc]
    caller = mesh.user(USER)
    failure = await failure_of(getattr(getattr(caller, service), rpc)(request, metadata=caller.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED_YET")


async def test_face_sighting_is_not_recorded_yet(mesh: Mesh) -> None:
    ingest = mesh.service()
    request = sighting(USER, "face")
    request.face.season.labels.append("dark winter")
    failure = await failure_of(ingest.profiles.RecordSighting(request, metadata=ingest.metadata))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED_YET")
