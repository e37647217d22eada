"""The short message that goes out after a processed capture, and its signature. Pure.

The receiver checks a message so: take the raw body, compute HMAC-SHA256 over ``<timestamp> "." <body>`` with the shared
secret, compare it with the header in constant time, and refuse timestamps older than a few minutes (replay).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from vitrine.ingest.v1 import capture_pb2
from vitrine.retrieval.v1 import match_pb2
from vitrine.type.v1 import garment_pb2

DELIVERY_HEADER = "Vitrine-Webhook-Id"
TIMESTAMP_HEADER = "Vitrine-Webhook-Timestamp"
SIGNATURE_HEADER = "Vitrine-Webhook-Signature"
_SIGNATURE_VERSION = "v1"
_NANOS = 1_000_000_000


class ForbiddenTargetError(Exception):
    """The address is none that a summary may be sent to."""


def summary_of(capture: capture_pb2.Capture) -> bytes:
    """Writes the summary of a processed capture: words and numbers, no picture and no vector.

    Args:
        capture: The capture, SUCCEEDED.

    Returns:
        JSON in UTF-8.
    """
    result = capture.outfit
    closest = {entry.garment_id: entry.tiers.closest for entry in result.matches if entry.HasField("tiers")}
    message = {
        "type": "capture.succeeded",
        "capture": capture.name,
        "end_time": capture.end_time.ToJsonString(),
        "degraded_parts": list(capture.degraded_parts),
        "garments": [_garment(garment, closest.get(garment.garment_id)) for garment in result.garments],
        "taste": [
            {"axis": delta.axis, "delta": round(delta.delta, 2), "towards": delta.towards}
            for delta in result.taste_change.deltas
        ],
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _garment(garment: garment_pb2.Garment, closest: match_pb2.ProductMatch | None) -> dict[str, object]:
    words: dict[str, object] = {
        "category": garment.category,
        "colors": [color.name for color in garment.attributes.colors],
        "pattern": garment.attributes.pattern,
    }
    if closest is not None and closest.product.name:
        price = closest.product.price
        words["closest_product"] = {
            "name": closest.product.name,
            "title": closest.product.title,
            "price": f"{price.units + price.nanos / _NANOS:.2f} {price.currency_code}",
        }
    return words


def signed_headers(delivery_id: str, now: datetime, body: bytes, secret: str) -> dict[str, str]:
    """Makes the headers of a summary.

    Args:
        delivery_id: The same for every attempt at one summary, so that the receiver can drop repetitions.
        now: The time of this attempt.
        body: The message.
        secret: The shared key.
    """
    timestamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        DELIVERY_HEADER: delivery_id,
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: f"{_SIGNATURE_VERSION}={signature(timestamp, body, secret)}",
    }


def signature(timestamp: str, body: bytes, secret: str) -> str:
    """Returns HMAC-SHA256 in hex over the timestamp (seconds since 1970), a dot, and the body."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def check_url(url: str, *, allow_private: bool) -> None:
    """Refuses addresses that a summary must not go to, as far as the text of the address tells.

    Args:
        url: The address.
        allow_private: Whether private networks and plain http are allowed.

    Raises:
        ForbiddenTargetError: When it is none of http(s), has credentials, or names a private address.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ForbiddenTargetError("not an address") from error
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes or not host or port == 0:
        raise ForbiddenTargetError(f"expected {' or '.join(schemes)}, a host and a port above 0")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenTargetError("credentials in the address are not allowed")
    if not allow_private and _is_address(host) and not is_public(host):
        raise ForbiddenTargetError("the address is private")


def is_public(address: str) -> bool:
    """Tells whether an IP address is reachable by everybody: not private, loopback, link-local, multicast, reserved.

    Args:
        address: IPv4 or IPv6, also IPv4 within IPv6 (`::ffff:10.0.0.1`, 6to4, NAT64).
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = _embedded(parsed)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


def all_public(addresses: Sequence[str]) -> list[str]:
    """Returns the addresses if all of them are public.

    One private address among public ones is a sign of rebinding, so that then none is taken.

    Args:
        addresses: What a name resolves to.

    Raises:
        ForbiddenTargetError: When there is none, or one is not public.
    """
    if not addresses or not all(is_public(address) for address in addresses):
        raise ForbiddenTargetError("the name leads to a private address")
    return list(addresses)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    nat64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
    if address in nat64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
