"""Keys of a mesh on one machine: made once, kept in files that only their owner can read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mesh.keys import SigningKey, key_set

DEV_USER = "demo"


@dataclass(frozen=True, slots=True)
class MeshKeys:
    """The keys of one mesh.

    Attributes:
        issuer: Signs tokens of people; in production this is an identity provider, and only its JWKS is known.
        service: Signs tokens that services show each other.
        folder: Where they are.
    """

    issuer: SigningKey
    service: SigningKey
    folder: Path

    @property
    def jwks(self) -> Path:
        """The public halves, for services and edge."""
        return self.folder / "jwks.json"

    @property
    def service_key_file(self) -> Path:
        """The private key of the services."""
        return self.folder / "service-key.pem"

    def token(self, user: str = DEV_USER, roles: Iterable[str] = (), ttl_s: float = 3600.0) -> str:
        """Signs a token for a person, or for a service: only their own key makes one of those.

        Args:
            user: The subject; owns `users/{user}`.
            roles: `operator` may change catalogue and ateliers; `service` everything.
            ttl_s: Lifetime in seconds.
        """
        roles = frozenset(roles)
        key = self.service if "service" in roles else self.issuer
        return key.sign(user, roles, ttl_s=ttl_s)


def ensure_keys(folder: Path) -> MeshKeys:
    """Reads the keys of a folder, and makes those that are missing.

    Args:
        folder: `issuer-key.pem`, `service-key.pem` and `jwks.json` are in it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    issuer, service = (_ensure_key(folder / f"{name}-key.pem") for name in ("issuer", "service"))
    keys = MeshKeys(issuer, service, folder)
    wanted = key_set([issuer, service])
    if not keys.jwks.exists() or keys.jwks.read_text() != wanted:
        half = keys.jwks.with_suffix(".new")
        half.write_text(wanted)
        half.replace(keys.jwks)
    return keys


def load_keys(folder: Path) -> MeshKeys:
    """Reads the keys of a folder.

    Args:
        folder: See `ensure_keys`.

    Raises:
        FileNotFoundError: There are none yet.
    """
    issuer, service = (SigningKey.load(folder / f"{name}-key.pem") for name in ("issuer", "service"))
    return MeshKeys(issuer, service, folder)


def _ensure_key(path: Path) -> SigningKey:
    if path.exists():
        return SigningKey.load(path)
    key = SigningKey.generate()
    half = path.with_suffix(f".{os.getpid()}")
    key.save(half)
    half.replace(path)
    return key
