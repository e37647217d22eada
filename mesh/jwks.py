"""The public keys that tokens are checked with: read from a file or a URL, cached, and rotated."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from mesh.errors import UnauthenticatedError, UnavailableError

# How soon a key id that we do not know makes us look again. Anybody can send an unknown key id, so that this must not
# be answered with a fetch each.
_MISS_INTERVAL_S = 5.0
_FETCH_TIMEOUT_S = 5.0
_MAX_BYTES = 1024 * 1024


class KeySet:
    """A JSON Web Key Set at a place from where it can be read again.

    Keys are read at the first token, when they are older than `cache_s`, and when a token names a key that is not there
    (rotation). When reading fails, the keys that we have stay in use: an issuer that is down for a minute must not lock
    everybody out.
    """

    def __init__(self, location: str, *, cache_s: float = 300.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._location = location
        self._cache_s = cache_s
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at: float | None = None
        self._lock = asyncio.Lock()
        self._log = structlog.get_logger("mesh.jwks")

    async def key(self, key_id: str) -> jwt.PyJWK:
        """Returns the key with an id.

        Args:
            key_id: The `kid` of a token.

        Raises:
            UnauthenticatedError: TOKEN_INVALID when there is no such key.
            UnavailableError: When no keys could be read yet; a new attempt is made every 5 s at most.
        """
        if self._due(key_id):
            async with self._lock:
                if self._due(key_id):
                    await self._refresh()
        if not self._keys:
            raise UnavailableError(
                "the keys that tokens are checked with cannot be read",
                "DEPENDENCY_UNAVAILABLE",
                {"dependency": "jwks"},
                retry_after_s=_MISS_INTERVAL_S,
            )
        if key_id not in self._keys:
            raise UnauthenticatedError("the token is signed with an unknown key", "TOKEN_INVALID")
        return self._keys[key_id]

    def _due(self, key_id: str) -> bool:
        if self._read_at is None:
            return True
        age_s = self._clock() - self._read_at
        return age_s > (self._cache_s if key_id in self._keys else min(_MISS_INTERVAL_S, self._cache_s))

    async def _refresh(self) -> None:
        try:
            text = await asyncio.to_thread(_read, self._location)
            self._keys = _parse(text)
        except (OSError, ValueError, jwt.PyJWTError) as error:
            self._log.warning("jwks_unreadable", location=self._location, error=str(error), keys=len(self._keys))
        self._read_at = self._clock()


def _read(location: str) -> bytes:
    if location.startswith(("https://", "http://")):
        with urllib.request.urlopen(location, timeout=_FETCH_TIMEOUT_S) as response:  # noqa: S310 - the scheme is checked above
            return bytes(response.read(_MAX_BYTES))
    return Path(location.removeprefix("file://")).read_bytes()


def _parse(text: bytes) -> dict[str, jwt.PyJWK]:
    keys = jwt.PyJWKSet.from_json(text.decode()).keys
    return {key.key_id: key for key in keys if key.key_id and _signs_es256(key.key)}


def _signs_es256(key: object) -> bool:
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
