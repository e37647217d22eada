"""ES256 keys: making them, their public half as a JSON Web Key Set, and tokens signed with them."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key on P-256 and the id that its public half has in the key set.

    Attributes:
        private_key: The key.
        key_id: RFC 7638 thumbprint of the public key, so that both sides derive the same id.
    """

    private_key: ec.EllipticCurvePrivateKey
    key_id: str

    @classmethod
    def generate(cls) -> SigningKey:
        """Makes a new key."""
        return cls._of(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Reads a key from an unencrypted PEM file.

        Args:
            path: The file.

        Raises:
            ValueError: When the file holds no private key on P-256.
        """
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise ValueError(f"{path} must hold a private key on P-256 (ES256)")
        return cls._of(key)

    @classmethod
    def _of(cls, key: ec.EllipticCurvePrivateKey) -> SigningKey:
        return cls(key, thumbprint(key.public_key()))

    def save(self, path: Path) -> None:
        """Writes the private key as PEM, readable by its owner only.

        Args:
            path: The file; its folder must exist.
        """
        pem = self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(pem)

    def public_jwk(self) -> dict[str, str]:
        """Returns the public half as a JSON Web Key (RFC 7517)."""
        return {**_coordinates(self.private_key.public_key()), "kid": self.key_id, "use": "sig", "alg": ALGORITHM}

    def sign(
        self,
        subject: str,
        roles: Iterable[str] = (),
        *,
        ttl_s: float,
        issuer: str = "vitrine",
        audience: str = "vitrine",
    ) -> str:
        """Signs a token.

        Args:
            subject: The `sub`: ``[a-zA-Z0-9._-]{1,64}``.
            roles: The `roles`.
            ttl_s: Lifetime in seconds; a negative one makes an expired token.
            issuer: The `iss`.
            audience: The `aud`.

        Returns:
            The compact JWT.
        """
        now = time.time()
        claims = {
            "iss": issuer,
            "aud": audience,
            "sub": subject,
            "iat": int(now),
            "exp": int(now + ttl_s),
            "roles": sorted(roles),
        }
        return jwt.encode(claims, self.private_key, algorithm=ALGORITHM, headers={"kid": self.key_id})


def key_set(keys: Iterable[SigningKey]) -> str:
    """Returns the public halves of some keys as a JSON Web Key Set.

    Args:
        keys: The keys.
    """
    return json.dumps({"keys": [key.public_jwk() for key in keys]}, indent=2)


def _coordinates(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    x, y = (_base64url(value.to_bytes(32, "big")) for value in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """Returns the RFC 7638 thumbprint: SHA-256 of the required members in alphabetical order, without white space.

    Args:
        key: A key on P-256.
    """
    jwk = _coordinates(key)
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
