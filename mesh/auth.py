"""Who calls, and whether they may: tokens, roles and ownership, as the contract's own options demand."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import jwt
from google.protobuf.message import Message

from mesh.call import Caller, current_call
from mesh.contract import Access, RpcRule
from mesh.errors import InvalidInputError, PermissionDeniedError, UnauthenticatedError
from mesh.jwks import KeySet
from mesh.keys import ALGORITHM, SigningKey, thumbprint
from mesh.roles import RoleGrants
from mesh.settings import ServiceSettings

__all__ = [
    "Caller", "ServiceTokens", "TokenVerifier", "check_owner", "check_ownership", "check_role", "current_caller",
]  # fmt: skip

_SUBJECT = re.compile(r"[a-zA-Z0-9._-]{1,64}")
_OWNER = re.compile(r"^users/([^/]+)(?:/|$)")
# Clocks of two hosts differ; more than this is a fault of the hosts.
_LEEWAY_S = 5
# A token is checked once per its lifetime, not once per call: a signature check costs about 100 us, a look-up 1 us.
_CACHED_TOKENS = 4096
_MAX_TOKEN_CHARS = 8192


def current_caller() -> Caller:
    """Returns who makes the call that is being served.

    Raises:
        UnauthenticatedError: When nobody is known: an anonymous RPC, or no call at all.
    """
    call = current_call()
    if call is None or call.caller is None:
        raise UnauthenticatedError("this needs a token", "TOKEN_MISSING")
    return call.caller


class TokenVerifier:
    """Checks the tokens of callers."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._keys = KeySet(settings.jwks, cache_s=settings.jwks_cache_s) if settings.jwks else None
        own = SigningKey.load(settings.service_key_file) if settings.service_key_file else None
        # Our own key is believed whatever the key set says: that of an identity provider need not know it, and cannot
        # put another in its place.
        self._own = {own.key_id: jwt.PyJWK(own.public_jwk())} if own else {}
        self._grants = RoleGrants.of(settings, own)
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        self._trust_s = settings.jwks_cache_s
        self._known: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    async def authenticate(self, authorization: str | None) -> Caller:
        """Tells who sent an ``authorization`` header or metadata entry.

        Args:
            authorization: Its value, ``Bearer <token>``.

        Raises:
            UnauthenticatedError: AUTH_NOT_CONFIGURED, TOKEN_MISSING, TOKEN_INVALID or TOKEN_EXPIRED.
            UnavailableError: When the keys cannot be read.
        """
        if self._keys is None:
            raise UnauthenticatedError("this server has no keys to check tokens with", "AUTH_NOT_CONFIGURED")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError("send `authorization: Bearer <token>`", "TOKEN_MISSING")
        return await self.verify(token.strip())

    async def verify(self, token: str) -> Caller:
        """Checks a token.

        Args:
            token: A compact JWT.

        Raises:
            UnauthenticatedError: AUTH_NOT_CONFIGURED, TOKEN_INVALID or TOKEN_EXPIRED.
            UnavailableError: When the keys cannot be read.
        """
        known = self._known.get(token)
        now = time.time()
        if known is not None and now < known[0]:
            return known[1]
        claims, signed_by = await self._claims(token)
        caller = _caller_of(claims)
        caller = replace(caller, roles=self._grants.granted(caller.roles, signed_by))
        # A key that was withdrawn must stop being good: no token is believed longer than keys are cached.
        self._remember(token, min(float(claims["exp"]) + _LEEWAY_S, now + self._trust_s), caller)
        return caller

    async def _claims(self, token: str) -> tuple[dict[str, Any], str]:
        if self._keys is None:
            raise UnauthenticatedError("this server has no keys to check tokens with", "AUTH_NOT_CONFIGURED")
        try:
            if len(token) > _MAX_TOKEN_CHARS:
                raise jwt.InvalidTokenError("too long")
            key_id = str(jwt.get_unverified_header(token).get("kid", ""))
            key = self._own.get(key_id) or await self._keys.key(key_id)
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise UnauthenticatedError("the token has expired", "TOKEN_EXPIRED") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise UnauthenticatedError("the token is not valid here", "TOKEN_INVALID") from error
        return claims, thumbprint(key.key)

    def _remember(self, token: str, until: float, caller: Caller) -> None:
        self._known[token] = (until, caller)
        self._known.move_to_end(token)
        while len(self._known) > _CACHED_TOKENS:
            self._known.popitem(last=False)


def _caller_of(claims: dict[str, Any]) -> Caller:
    subject, roles = claims["sub"], claims.get("roles", [])
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise UnauthenticatedError("the subject of the token must match [a-zA-Z0-9._-]{1,64}", "TOKEN_INVALID")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise UnauthenticatedError("the roles of the token must be a list of strings", "TOKEN_INVALID")
    return Caller(subject, frozenset(roles))


class ServiceTokens:
    """Makes the tokens with which this service calls others, signed with its own key and renewed in time."""

    def __init__(self, settings: ServiceSettings) -> None:
        path = settings.service_key_file
        self._key = SigningKey.load(path) if path else None
        self._settings = settings
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str | None:
        """Returns a token that holds for a while yet, or None when this service has no key."""
        if self._key is None:
            return None
        if time.monotonic() >= self._renew_at:
            settings = self._settings
            ttl_s = settings.service_token_ttl_s
            self._token = self._key.sign(
                settings.service_name,
                ["service"],
                ttl_s=ttl_s,
                issuer=settings.token_issuer,
                audience=settings.token_audience,
            )
            self._renew_at = time.monotonic() + 0.7 * ttl_s
        return self._token


def check_role(caller: Caller, access: Access) -> None:
    """Refuses callers without the role that an RPC asks for.

    Args:
        caller: Who calls.
        access: What the contract says.

    Raises:
        PermissionDeniedError: ROLE_MISSING.
    """
    if access in (Access.USER, Access.ANONYMOUS):
        return
    if access is Access.OPERATOR and caller.is_operator:
        return
    if access is Access.SERVICE and caller.is_service:
        return
    role = "operator" if access is Access.OPERATOR else "service"
    raise PermissionDeniedError(f"this needs the role {role}", "ROLE_MISSING", {"role": role})


def check_owner(caller: Caller, name: str, field: str = "name") -> None:
    """Refuses a resource name of somebody else.

    Args:
        caller: Who calls.
        name: ``users/{user}`` or a resource below it.
        field: Path of the field that held it.

    Raises:
        InvalidInputError: When `name` lies below no user.
        PermissionDeniedError: NOT_OWNER.
    """
    if caller.is_service:
        return
    match = _OWNER.match(name)
    if match is None:
        raise InvalidInputError.of(field, "must be `users/{user}` or a resource below it")
    if match[1] != caller.subject:
        raise PermissionDeniedError(f"{field} belongs to another user", "NOT_OWNER")


def check_ownership(caller: Caller, rule: RpcRule, request: Message) -> None:
    """Refuses a request that names a resource of somebody else.

    Args:
        caller: Who calls.
        rule: What the contract says about the RPC.
        request: The message.

    Raises:
        InvalidInputError: When a name lies below no user.
        PermissionDeniedError: NOT_OWNER.
    """
    for owner in rule.owner_fields:
        for name in owner.values(request):
            check_owner(caller, name, owner.path)
