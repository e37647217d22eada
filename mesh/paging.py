"""Pages of lists: size limits, and opaque tokens that hold for one RPC with one set of arguments."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence

from mesh.errors import InvalidInputError

Scalar = str | int | float | bool | None

_DIGEST_BYTES = 9
_MAX_TOKEN_CHARS = 2000


def clamp_page_size(page_size: int, *, default: int = 50, maximum: int = 200) -> int:
    """Returns the number of items for one page.

    Args:
        page_size: What the request says; 0 means "not said".
        default: Page size when the request does not say.
        maximum: The cap; larger sizes are lowered to it (aip/0158).

    Raises:
        InvalidInputError: When `page_size` is negative.
    """
    if page_size < 0:
        raise InvalidInputError.of("page_size", f"must be 0 or more, got {page_size}")
    return min(page_size or default, maximum)


def encode_token(rpc: str, arguments: Mapping[str, Scalar], cursor: Sequence[Scalar]) -> str:
    """Makes the token of the next page.

    Args:
        rpc: Name of the RPC, for example ``ListCaptures``.
        arguments: Every argument that selects or orders the list (parent, filter ...), but not the page size.
        cursor: Where the next page begins, for example create time and id of the last item.
    """
    payload = json.dumps(list(cursor), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_digest(rpc, arguments) + payload).decode().rstrip("=")


def decode_token(rpc: str, arguments: Mapping[str, Scalar], token: str) -> list[Scalar] | None:
    """Reads a token that `encode_token` made.

    Args:
        rpc: Name of the RPC that got the token.
        arguments: The arguments of this request; they must be those that the token was made for.
        token: The token; empty asks for the first page.

    Returns:
        The cursor, or None for the first page.

    Raises:
        InvalidInputError: INVALID_PAGE_TOKEN, when the token is damaged or was made for something else.
    """
    if not token:
        return None
    raw = _unwrap(token)
    if raw[:_DIGEST_BYTES] != _digest(rpc, arguments):
        raise _invalid("was made by another RPC or for other arguments")
    try:
        cursor = json.loads(raw[_DIGEST_BYTES:])
    except ValueError as error:
        raise _invalid("is damaged") from error
    if not isinstance(cursor, list) or not all(item is None or isinstance(item, str | int | float) for item in cursor):
        raise _invalid("is damaged")
    return cursor


def _unwrap(token: str) -> bytes:
    if len(token) > _MAX_TOKEN_CHARS:
        raise _invalid(f"is longer than {_MAX_TOKEN_CHARS} characters")
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("is damaged") from error


def _digest(rpc: str, arguments: Mapping[str, Scalar]) -> bytes:
    text = json.dumps([rpc, sorted(arguments.items())], separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()[:_DIGEST_BYTES]


def _invalid(description: str) -> InvalidInputError:
    return InvalidInputError.of("page_token", description, "INVALID_PAGE_TOKEN")
