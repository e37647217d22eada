"""Tokens, as a table: who is believed and who is not."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import grpc.aio
import jwt
import pytest

from mesh.auth import ServiceTokens, TokenVerifier
from mesh.errors import UnauthenticatedError, UnavailableError
from mesh.jwks import KeySet
from mesh.keys import SigningKey, key_set
from mesh.settings import ServiceSettings
from tests.services.mesh.probe import Keys, Probe, Running, failure_of, run_probe

pytestmark = pytest.mark.service


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(keys: Keys) -> str:
    """The `alg: none` forgery."""
    claims = {"iss": "vitrine", "aud": "vitrine", "sub": "alice", "exp": int(time.time()) + 60}
    return f"{encoded({'alg': 'none', 'kid': keys.issuer.key_id})}.{encoded(claims)}."


def confused(keys: Keys) -> str:
    """The algorithm confusion: HS256 with the public key as the secret."""
    header = encoded({"alg": "HS256", "kid": keys.issuer.key_id, "typ": "JWT"})
    claims = encoded({"iss": "vitrine", "aud": "vitrine", "sub": "alice", "exp": int(time.time()) + 60})
    secret = json.dumps(keys.issuer.public_jwk()).encode()
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{header}.{claims}".encode(), secret.ljust(64, b"0"))
    return f"{header}.{claims}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def tampered(keys: Keys) -> str:
    """A good token whose subject was changed afterwards."""
    header, claims, signature = keys.issuer.sign("alice", ttl_s=60).split(".")
    opened = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{header}.{encoded({**opened, 'sub': 'bob'})}.{signature}"


def with_claims(keys: Keys, **claims: Any) -> str:
    whole = {"iss": "vitrine", "aud": "vitrine", "sub": "alice", "exp": int(time.time()) + 60, **claims}
    whole = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(whole, keys.issuer.private_key, "ES256", {"kid": keys.issuer.key_id})


REFUSED = {
    "empty": (lambda _: "", "TOKEN_MISSING"),
    "no scheme": (lambda k: k.issuer.sign("alice", ttl_s=60), "TOKEN_MISSING"),
    "basic": (lambda _: "Basic YTpi", "TOKEN_MISSING"),
    "garbage": (lambda _: "Bearer garbage", "TOKEN_INVALID"),
    "huge": (lambda _: "Bearer " + "x" * 9000, "TOKEN_INVALID"),
    "expired": (lambda k: f"Bearer {k.issuer.sign('alice', ttl_s=-60)}", "TOKEN_EXPIRED"),
    "audience": (lambda k: f"Bearer {k.issuer.sign('alice', ttl_s=60, audience='other')}", "TOKEN_INVALID"),
    "issuer": (lambda k: f"Bearer {k.issuer.sign('alice', ttl_s=60, issuer='other')}", "TOKEN_INVALID"),
    "forged": (lambda _: f"Bearer {SigningKey.generate().sign('alice', ttl_s=60)}", "TOKEN_INVALID"),
    "forged with a known key id": (
        lambda k: f"Bearer {SigningKey(SigningKey.generate().private_key, k.issuer.key_id).sign('alice', ttl_s=60)}",
        "TOKEN_INVALID",
    ),
    "tampered": (lambda k: f"Bearer {tampered(k)}", "TOKEN_INVALID"),
    "unsigned": (lambda k: f"Bearer {unsigned(k)}", "TOKEN_INVALID"),
    "confused algorithm": (lambda k: f"Bearer {confused(k)}", "TOKEN_INVALID"),
    "not yet": (lambda k: f"Bearer {with_claims(k, nbf=int(time.time()) + 60)}", "TOKEN_INVALID"),
    "no expiry": (lambda k: f"Bearer {with_claims(k, exp=None)}", "TOKEN_INVALID"),
    "no subject": (lambda k: f"Bearer {with_claims(k, sub=None)}", "TOKEN_INVALID"),
    "subject with a slash": (lambda k: f"Bearer {with_claims(k, sub='alice/captures')}", "TOKEN_INVALID"),
    "subject with a line end": (lambda k: f"Bearer {with_claims(k, sub='alice' + chr(10))}", "TOKEN_INVALID"),
    "roles as a string": (lambda k: f"Bearer {with_claims(k, roles='service')}", "TOKEN_INVALID"),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_token_refused(running: Running, keys: Keys, make: Any, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.Echo(running.request(), metadata=(("authorization", make(keys)),))
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == ("UNAUTHENTICATED", reason)


# The rest of a call's metadata is some 500 bytes.
@pytest.mark.parametrize(
    ("chars", "code"),
    [
        pytest.param(8_100, "UNAUTHENTICATED", id="as much as gRPC takes by itself"),
        pytest.param(12_000, "UNAUTHENTICATED", id="what gRPC by itself refuses every other time"),
        pytest.param(15_500, "UNAUTHENTICATED", id="just within our limit"),
        pytest.param(16_000, "RESOURCE_EXHAUSTED", id="with all else just beyond it"),
        pytest.param(60_000, "RESOURCE_EXHAUSTED", id="far beyond it"),
    ],
)
async def test_size_of_metadata_has_one_limit(running: Running, chars: int, code: str) -> None:
    """The limit is gRPC's to keep, and it tells no details; but the same call always ends the same way."""

    async def refusal() -> str:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.Echo(running.request(), metadata=(("authorization", "Bearer " + "x" * chars),))
        return str(caught.value.code().name)

    # At once: one that gRPC refuses takes it a fifth of a second.
    assert set(await asyncio.gather(*(refusal() for _ in range(40)))) == {code}


async def test_without_keys_everybody_is_refused(probe: Probe, keys: Keys) -> None:
    async with run_probe(ServiceSettings(service_name="probe"), probe) as made:
        await made.server.ready.wait()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await made.stub.Echo(made.request(), metadata=keys.user())
        assert failure_of(caught.value).reason == "AUTH_NOT_CONFIGURED"
        assert await made.stub.OpenEcho(made.request()) is not None


async def test_known_token_expires_in_the_cache_too(settings: ServiceSettings, keys: Keys) -> None:
    verifier = TokenVerifier(settings)
    token = keys.issuer.sign("alice", ttl_s=-4)  # within the leeway of 5 s
    assert (await verifier.verify(token)).subject == "alice"
    verifier._known[token] = (time.time() - 1, verifier._known[token][1])
    stale = keys.issuer.sign("alice", ttl_s=-6)
    with pytest.raises(UnauthenticatedError, match="expired"):
        await verifier.verify(stale)


async def test_service_token_is_accepted_and_renewed(settings: ServiceSettings) -> None:
    tokens = ServiceTokens(settings)
    first = tokens.token()
    assert first is not None
    caller = await TokenVerifier(settings).verify(first)
    assert (caller.subject, caller.is_service, caller.is_operator) == ("probe", True, True)
    assert tokens.token() is first
    tokens._renew_at = 0
    assert tokens.token() is not first


def test_service_without_key_has_no_token() -> None:
    assert ServiceTokens(ServiceSettings(service_name="probe")).token() is None


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_rotated_key_is_found_and_withdrawn_key_forgotten(tmp_path: Path) -> None:
    old, new = SigningKey.generate(), SigningKey.generate()
    file, clock = tmp_path / "jwks.json", Clock()
    file.write_text(key_set([old]))
    keys = KeySet(str(file), cache_s=300, clock=clock)
    await keys.key(old.key_id)
    file.write_text(key_set([new]))
    with pytest.raises(UnauthenticatedError):
        await keys.key(new.key_id)  # looked a moment ago: no fetch for each unknown id
    clock.now += 6
    assert (await keys.key(new.key_id)).key_id == new.key_id
    with pytest.raises(UnauthenticatedError):
        await keys.key(old.key_id)


async def test_unreadable_keys_leave_the_old_ones_in_use(tmp_path: Path) -> None:
    key = SigningKey.generate()
    file, clock = tmp_path / "jwks.json", Clock()
    file.write_text(key_set([key]))
    keys = KeySet(str(file), cache_s=10, clock=clock)
    await keys.key(key.key_id)
    file.write_text("{ broken")
    clock.now += 11
    assert (await keys.key(key.key_id)).key_id == key.key_id


async def test_without_any_keys_the_service_is_unavailable_and_asks_again_later(tmp_path: Path) -> None:
    key, file, clock = SigningKey.generate(), tmp_path / "jwks.json", Clock()
    keys = KeySet(str(file), clock=clock)
    with pytest.raises(UnavailableError) as caught:
        await keys.key(key.key_id)
    assert caught.value.metadata == {"dependency": "jwks"}
    file.write_text(key_set([key]))
    with pytest.raises(UnavailableError):
        await keys.key(key.key_id)  # a moment ago there were none: calls do not pile up behind a dead issuer
    clock.now += 6
    assert (await keys.key(key.key_id)).key_id == key.key_id


@pytest.fixture
def issuer_url() -> Iterator[tuple[str, list[bytes], list[str]]]:
    """A small real issuer: answers with the last of `documents` and notes the paths asked for."""
    documents: list[bytes] = []
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(documents[-1])

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks.json", documents, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_keys_from_a_url_are_fetched_once(issuer_url: tuple[str, list[bytes], list[str]]) -> None:
    url, documents, asked = issuer_url
    key = SigningKey.generate()
    documents.append(key_set([key]).encode())
    verifier = TokenVerifier(ServiceSettings(service_name="probe", jwks=url))
    for subject in ("alice", "bob"):
        assert (await verifier.verify(key.sign(subject, ["x"], ttl_s=60))).subject == subject
    assert asked == ["/jwks.json"]
