"""Keys: files, ids and key sets, checked against the RFCs and an independent reader."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mesh.keys import SigningKey, key_set

pytestmark = pytest.mark.unit


def test_saved_key_can_be_loaded_by_its_owner_only(tmp_path: Path) -> None:
    key, file = SigningKey.generate(), tmp_path / "key.pem"
    key.save(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SigningKey.load(file).key_id == key.key_id


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())],
    ids=["RSA", "P-384"],
)
def test_other_kinds_of_key_are_refused(tmp_path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    file = tmp_path / "key.pem"
    plain = serialization.NoEncryption()
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    with pytest.raises(ValueError, match="P-256"):
        SigningKey.load(file)


def test_key_set_holds_no_private_part() -> None:
    keys = json.loads(key_set([SigningKey.generate(), SigningKey.generate()]))["keys"]
    assert [set(key) for key in keys] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}] * 2


def test_token_is_verified_by_the_key_from_the_set() -> None:
    key = SigningKey.generate()
    token = key.sign("alice", ["operator"], ttl_s=60)
    public = jwt.PyJWKSet.from_json(key_set([key]))[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, public, algorithms=["ES256"], audience="vitrine", issuer="vitrine")
    assert (claims["sub"], claims["roles"], claims["exp"] - claims["iat"]) == ("alice", ["operator"], 60)


def test_key_id_is_the_thumbprint_of_rfc_7638() -> None:
    """Against joserfc, another implementation."""
    joserfc = pytest.importorskip("joserfc.jwk")
    key = SigningKey.generate()
    public = {name: value for name, value in key.public_jwk().items() if name in ("kty", "crv", "x", "y")}
    assert joserfc.ECKey.import_key(public).thumbprint() == key.key_id
