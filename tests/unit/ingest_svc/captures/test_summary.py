"""The summary message: its signature, and where it may go."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives import hashes, hmac
from vitrine.ingest.v1 import capture_pb2

from ingest_svc.captures.summary import (
    ForbiddenTargetError,
    all_public,
    check_url,
    is_public,
    signature,
    signed_headers,
    summary_of,
)
from ingest_svc.clients.webhook import PublicResolver, WebhookClient
from mesh.errors import FailedPreconditionError

pytestmark = pytest.mark.unit


def test_signature_is_hmac_sha256_over_time_and_body() -> None:
    reference = hmac.HMAC(b"Jefe", hashes.SHA256())
    reference.update(b"1700000000.what do ya want for nothing?")
    assert signature("1700000000", b"what do ya want for nothing?", "Jefe") == reference.finalize().hex()


def test_headers_carry_id_time_and_signature() -> None:
    headers = signed_headers("delivery", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), b"{}", "key")
    assert headers["Vitrine-Webhook-Id"] == "delivery"
    assert headers["Vitrine-Webhook-Timestamp"] == "1700000000"
    assert headers["Vitrine-Webhook-Signature"] == "v1=" + signature("1700000000", b"{}", "key")


def test_summary_of_an_empty_result_is_valid() -> None:
    capture = capture_pb2.Capture(name="users/u/captures/c")
    assert b'"garments":[]' in summary_of(capture)


URLS = [
    pytest.param("", False, id="empty"),
    pytest.param("https://hooks.example.com/a", True, id="https"),
    pytest.param("https://hooks.example.com:8443/a?b=c", True, id="port"),
    pytest.param("http://hooks.example.com/", False, id="http"),
    pytest.param("ftp://hooks.example.com/", False, id="ftp"),
    pytest.param("file:///etc/passwd", False, id="file"),
    pytest.param("https://", False, id="no-host"),
    pytest.param("https://user:pw@example.com/", False, id="credentials"),
    pytest.param("https://example.com:0/", False, id="port-0"),
    pytest.param("https://example.com:99999/", False, id="port-too-high"),
    pytest.param("https://127.0.0.1/", False, id="loopback"),
    pytest.param("https://169.254.169.254/latest/meta-data", False, id="cloud-metadata"),
    pytest.param("https://10.1.2.3/", False, id="private"),
    pytest.param("https://[::1]/", False, id="loopback-6"),
    pytest.param("https://[::ffff:10.0.0.1]/", False, id="mapped-private"),
    pytest.param("https://8.8.8.8/", True, id="public-address"),
]


@pytest.mark.parametrize(("url", "allowed"), URLS)
def test_addresses_are_checked(url: str, allowed: bool) -> None:
    if allowed:
        check_url(url, allow_private=False)
    else:
        with pytest.raises(ForbiddenTargetError):
            check_url(url, allow_private=False)


def test_private_addresses_can_be_allowed_but_not_other_schemes() -> None:
    check_url("http://127.0.0.1:8080/hook", allow_private=True)
    with pytest.raises(ForbiddenTargetError):
        check_url("file:///etc/passwd", allow_private=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True), ("2606:4700:4700::1111", True), ("0.0.0.0", False), ("100.64.0.1", False),  # noqa: S104
        ("192.168.1.1", False), ("172.16.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False),
        ("fe80::1", False), ("fe80::1%eth0", False), ("fc00::1", False), ("::", False), ("::ffff:127.0.0.1", False),
        ("64:ff9b::a00:1", False), ("64:ff9b::808:808", True), ("2002:7f00:1::", False),
    ],
)  # fmt: skip
def test_public_addresses_are_told_from_private_ones(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("addresses", [[], ["10.0.0.1"], ["1.1.1.1", "127.0.0.1"]])
def test_a_name_with_any_private_address_is_refused(addresses: list[str]) -> None:
    with pytest.raises(ForbiddenTargetError):
        all_public(addresses)


class Rebinding(AbstractResolver):
    """Answers every name with a private address."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


async def test_a_name_that_leads_to_a_private_address_is_refused_before_connecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest_svc.clients.webhook.PublicResolver", lambda: PublicResolver(Rebinding()))
    client = WebhookClient(allow_private=False, timeout_s=2)
    with pytest.raises(FailedPreconditionError):
        await client.post("https://harmless.example/hook", b"{}", {})
    await client.close()
