"""Tokens: every RPC asks for one, and every kind of bad one is refused, at the edge and at each service behind it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from vitrine.embedded.mesh import EmbeddedMesh

from mesh.keys import ALGORITHM, SigningKey
from tests.mesh.answers import Failure
from tests.mesh.carriers import SocketCarrier
from tests.mesh.contract import RPCS, Json, Rpc, rpcs
from tests.mesh.names import NAMED, Victim, more_of, request_naming
from tests.mesh.talks import Talk, socket_to, talk
from tests.mesh.ways import SERVICES, GrpcWay, JsonWay, on_each_way

pytestmark = [pytest.mark.mesh, pytest.mark.usefixtures("shop")]
MISSING = Failure("UNAUTHENTICATED", "TOKEN_MISSING")
INVALID = Failure("UNAUTHENTICATED", "TOKEN_INVALID")
EXPIRED = Failure("UNAUTHENTICATED", "TOKEN_EXPIRED")
MALLORY = Victim("mallory", {})


@rpcs(lambda _: True)
async def test_without_a_token(grpc_way: GrpcWay, json_way: JsonWay, direct: dict[str, GrpcWay], rpc: Rpc) -> None:
    fields = [(each, field) for each, field in NAMED if each.short == rpc.short]
    body = request_naming(*fields[0], MALLORY, MALLORY) if fields else more_of(rpc)
    answers = await on_each_way(rpc, body, "", grpc_way, direct[rpc.package], json_way if rpc.has_http else None)
    assert {answer.failure for answer in answers} == {MISSING}


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {"sub": "ada", "iss": "vitrine", "aud": "vitrine", "iat": now, "exp": now + 600, "roles": [], **changes}
    return {key: value for key, value in claims.items() if value is not None}


def _signed(mesh: EmbeddedMesh, key: SigningKey | None = None, kid: str | None = None, **changes: Any) -> str:
    key = key or mesh.keys.issuer
    return jwt.encode(_claims(**changes), key.private_key, ALGORITHM, {"kid": kid or key.key_id})


def _unsigned(mesh: EmbeddedMesh) -> str:
    header = {"alg": "none", "typ": "JWT", "kid": mesh.keys.issuer.key_id}
    return ".".join((*(_part(json.dumps(each).encode()) for each in (header, _claims())), ""))


def _confused(mesh: EmbeddedMesh) -> str:
    """HS256 with the public key as the secret: whoever takes the algorithm from the token falls for it."""
    secret = mesh.keys.issuer.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": "HS256", "typ": "JWT", "kid": mesh.keys.issuer.key_id}
    parts = [_part(json.dumps(each).encode()) for each in (header, _claims())]
    return ".".join((*parts, _part(hmac.digest(secret, ".".join(parts).encode(), hashlib.sha256))))


def _altered(mesh: EmbeddedMesh) -> str:
    """A good token whose subject was changed afterwards."""
    header, _, signature = _signed(mesh).split(".")
    return f"{header}.{_part(json.dumps(_claims(sub='bob')).encode())}.{signature}"


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


STRANGER = SigningKey.generate()
TOKENS: dict[str, tuple[Callable[[EmbeddedMesh], str], Failure]] = {
    "garbage": (lambda _: "garbage", INVALID),
    "expired": (lambda mesh: _signed(mesh, exp=int(time.time()) - 60), EXPIRED),
    "not-valid-yet": (lambda mesh: _signed(mesh, nbf=int(time.time()) + 600), INVALID),
    "wrong-audience": (lambda mesh: _signed(mesh, aud="somebody-else"), INVALID),
    "wrong-issuer": (lambda mesh: _signed(mesh, iss="somebody-else"), INVALID),
    "no-audience": (lambda mesh: _signed(mesh, aud=None), INVALID),
    "no-expiry": (lambda mesh: _signed(mesh, exp=None), INVALID),
    "no-subject": (lambda mesh: _signed(mesh, sub=None), INVALID),
    "odd-subject": (lambda mesh: _signed(mesh, sub="ada/../bob"), INVALID),
    "roles-no-list": (lambda mesh: _signed(mesh, roles="service"), INVALID),
    "forged-unknown-key": (lambda mesh: _signed(mesh, STRANGER), INVALID),
    "forged-under-our-kid": (lambda mesh: _signed(mesh, STRANGER, mesh.keys.issuer.key_id), INVALID),
    "algorithm-none": (_unsigned, INVALID),
    "algorithm-confusion": (_confused, INVALID),
    "altered": (_altered, INVALID),
}
# One read of each service that an ordinary token may do.
READS: dict[str, tuple[str, Json]] = {
    "ingest": ("CaptureService/ListCaptures", {"parent": "users/ada"}), "vision": ("ModelService/ListModels", {}),
    "retrieval": ("CatalogService/ListProducts", {"pageSize": 1}),
    "profile": ("ProfileService/GetRadar", {"name": "users/ada/radar"}),
}  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
async def test_good_token(
    mesh: EmbeddedMesh, grpc_way: GrpcWay, json_way: JsonWay, direct: dict[str, GrpcWay], service: str
) -> None:
    name, body = READS[service]
    answers = await on_each_way(RPCS[name], body, _signed(mesh), grpc_way, json_way, direct[service])
    assert {answer.failure for answer in answers} == {None}


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("service", SERVICES)
async def test_bad_tokens(
    mesh: EmbeddedMesh, grpc_way: GrpcWay, json_way: JsonWay, direct: dict[str, GrpcWay], service: str, kind: str
) -> None:
    make, failure = TOKENS[kind]
    name, body = READS[service]
    answers = await on_each_way(RPCS[name], body, make(mesh), grpc_way, json_way, direct[service])
    assert {answer.failure for answer in answers} == {failure}


@pytest.mark.parametrize("kind", ["missing", *TOKENS])
@pytest.mark.parametrize("carrier", ["ws-proto", "ws-json", "bearer-subprotocol"])
async def test_bad_tokens_on_websockets(mesh: EmbeddedMesh, carrier: str, kind: str) -> None:
    make, failure = TOKENS.get(kind, (lambda _: "", MISSING))
    token = make(mesh)
    if carrier == "bearer-subprotocol":
        await _refused_as_subprotocol(mesh, token, failure)
        return
    async with talk(carrier, mesh.edge_target, token) as stream:
        assert await stream.end() == failure
    assert stream.events == []


async def _refused_as_subprotocol(mesh: EmbeddedMesh, token: str, failure: Failure) -> None:
    offered = [f"bearer.{token}"] if token else []
    async with socket_to(mesh.edge_target, "ws-json", {}, offered=offered) as socket:
        assert await Talk(SocketCarrier(socket)).end() == failure


async def test_a_users_token_in_the_subprotocol(mesh: EmbeddedMesh) -> None:
    async with socket_to(mesh.edge_target, "ws-json", {}, offered=[f"bearer.{_signed(mesh)}"]) as socket:
        stream = Talk(SocketCarrier(socket))
        await stream.send(config={"parent": "users/ada"})
        assert (await stream.until(lambda event: event.HasField("ready"))).ready.name.startswith("users/ada/")
        await stream.send(command={"stop": {}})
        assert await stream.end() is None
