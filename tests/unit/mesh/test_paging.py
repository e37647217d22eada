"""Pages: size limits, and tokens bound to their RPC and arguments."""

from __future__ import annotations

import pytest

from mesh.errors import InvalidInputError
from mesh.paging import clamp_page_size, decode_token, encode_token

pytestmark = pytest.mark.unit

ARGUMENTS = {"parent": "users/alice", "filter": "kind=OUTFIT"}


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (1, 1), (200, 200), (201, 200), (10**9, 200)])
def test_page_size(asked: int, given: int) -> None:
    assert clamp_page_size(asked) == given


def test_page_size_negative_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        clamp_page_size(-1)
    assert [violation.field for violation in caught.value.violations] == ["page_size"]


def test_token_empty_is_the_first_page() -> None:
    assert decode_token("ListX", ARGUMENTS, "") is None


@pytest.mark.parametrize("cursor", [["2026-01-01T00:00:00.123456+00:00", "id"], [1, 2.5, None, True], ["ä\n"], []])
def test_token_gives_the_cursor_back(cursor: list[str | int | float | None]) -> None:
    token = encode_token("ListX", ARGUMENTS, cursor)
    assert decode_token("ListX", dict(reversed(ARGUMENTS.items())), token) == cursor
    assert token.isascii()
    assert not set(token) & set("+/= ")


GOOD = encode_token("ListX", ARGUMENTS, ["a", 1])


@pytest.mark.parametrize(
    ("rpc", "arguments", "token"),
    [
        ("ListY", ARGUMENTS, GOOD),
        ("ListX", {**ARGUMENTS, "parent": "users/bob"}, GOOD),
        ("ListX", {}, GOOD),
        ("ListX", ARGUMENTS, GOOD[:-2]),
        ("ListX", ARGUMENTS, "!" + GOOD[1:]),
        ("ListX", ARGUMENTS, "x"),
        ("ListX", ARGUMENTS, "ä" * 8),
        ("ListX", ARGUMENTS, "A" * 5000),
    ],
    ids=["rpc", "parent", "no arguments", "cut", "not base64", "short", "not ascii", "long"],
)
def test_token_of_something_else_is_refused(rpc: str, arguments: dict[str, str], token: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        decode_token(rpc, arguments, token)
    assert caught.value.reason == "INVALID_PAGE_TOKEN"
    assert [violation.field for violation in caught.value.violations] == ["page_token"]
