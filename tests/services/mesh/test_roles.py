"""Roles, as a table: which key may grant which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from mesh.auth import TokenVerifier
from mesh.errors import UnauthenticatedError
from mesh.keys import SigningKey, key_set
from mesh.settings import ServiceSettings
from tests.services.mesh.probe import Keys, Running, failure_of

pytestmark = pytest.mark.service


@dataclass(frozen=True)
class Grant:
    """Who may sign what: the settings, the signer, what the token says, and what of it counts."""

    settings: Callable[[Keys], dict[str, Any]]
    sign: Callable[[Keys], SigningKey]
    roles: tuple[str, ...]
    counts: frozenset[str]


def as_it_comes(_: Keys) -> dict[str, Any]:
    return {}


def issuer(keys: Keys) -> SigningKey:
    return keys.issuer


def service(keys: Keys) -> SigningKey:
    return keys.service


def disguised(keys: Keys) -> SigningKey:
    """A key of the issuer's set to which the issuer gave the id of the services' key."""
    return SigningKey(keys.issuer.private_key, keys.service.key_id)


NONE: frozenset[str] = frozenset()
GRANTS = {
    "service from the services' key": Grant(as_it_comes, service, ("service",), frozenset({"service"})),
    "service from the issuer of people": Grant(as_it_comes, issuer, ("service",), NONE),
    "service from the issuer, other roles stay": Grant(
        as_it_comes, issuer, ("service", "operator", "x"), frozenset({"operator", "x"})
    ),
    "service without a key of our own": Grant(lambda _: {"service_key_file": None}, service, ("service",), NONE),
    "service from a key that the settings name": Grant(
        lambda k: {"service_token_keys": f"other, {k.issuer.key_id} "}, issuer, ("service",), frozenset({"service"})
    ),
    "service from our own key, which the settings do not name": Grant(
        lambda k: {"service_token_keys": k.issuer.key_id}, service, ("service",), NONE
    ),
    "operator from the issuer": Grant(as_it_comes, issuer, ("operator",), frozenset({"operator"})),
    "operator from a key that the settings do not name": Grant(
        lambda k: {"operator_token_keys": k.service.key_id}, issuer, ("operator",), NONE
    ),
    "operator from a key that the settings name": Grant(
        lambda k: {"operator_token_keys": k.issuer.key_id}, issuer, ("operator",), frozenset({"operator"})
    ),
}


@pytest.mark.parametrize("grant", GRANTS.values(), ids=GRANTS.keys())
async def test_role_counts_only_from_a_key_that_may_grant_it(
    settings: ServiceSettings, keys: Keys, grant: Grant
) -> None:
    verifier = TokenVerifier(settings.model_copy(update=grant.settings(keys)))
    token = grant.sign(keys).sign("mallory", grant.roles, ttl_s=60)
    for _ in ("checked", "remembered"):
        assert (await verifier.verify(token)).roles == grant.counts


async def test_user_with_a_self_made_service_role_reaches_no_internal_rpc(running: Running, keys: Keys) -> None:
    metadata = (("authorization", f"Bearer {keys.issuer.sign('mallory', ['service'], ttl_s=60)}"),)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.ServeEcho(running.request(), metadata=metadata)
    assert failure_of(caught.value).reason == "ROLE_MISSING"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.stub.Echo(running.request(name="users/bob"), metadata=metadata)
    assert failure_of(caught.value).reason == "NOT_OWNER"


async def test_own_key_is_believed_though_the_key_set_does_not_know_it_or_lies_about_it(
    settings: ServiceSettings, keys: Keys, tmp_path: Path
) -> None:
    """An identity provider serves the keys of people; giving one the id of the services' key replaces nothing."""
    jwks = tmp_path / "provider.json"
    jwks.write_text(key_set([keys.issuer, disguised(keys)]))
    verifier = TokenVerifier(settings.model_copy(update={"jwks": str(jwks)}))
    assert (await verifier.verify(keys.service.sign("ingest", ["service"], ttl_s=60))).is_service
    assert (await verifier.verify(keys.issuer.sign("alice", ttl_s=60))).subject == "alice"
    with pytest.raises(UnauthenticatedError):
        await verifier.verify(disguised(keys).sign("mallory", ["service"], ttl_s=60))


async def test_key_of_the_provider_with_the_id_of_a_named_service_key_grants_nothing(
    keys: Keys, tmp_path: Path
) -> None:
    jwks = tmp_path / "provider.json"
    jwks.write_text(key_set([disguised(keys)]))
    settings = ServiceSettings(service_name="probe", jwks=str(jwks), service_token_keys=keys.service.key_id)
    caller = await TokenVerifier(settings).verify(disguised(keys).sign("mallory", ["service"], ttl_s=60))
    assert caller.roles == NONE
