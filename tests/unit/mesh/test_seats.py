"""Seats: how many are let in."""

from __future__ import annotations

import contextlib

import pytest

from mesh.errors import ResourceExhaustedError
from mesh.seats import Seats

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("users", "scope", "limit"),
    [
        pytest.param(["ada", "ada"], "user", "2", id="one user's seats"),
        pytest.param(["bob", "bob", "cleo"], "server", "3", id="all seats"),
        pytest.param(["ada", "ada", "bob"], "user", "2", id="both, and the user's own count first"),
    ],
)
def test_full(users: list[str], scope: str, limit: str) -> None:
    seats = Seats("watches", total=3, per_user=2)
    with contextlib.ExitStack() as taken:
        for user in users:
            taken.enter_context(seats.seat(user))
        with pytest.raises(ResourceExhaustedError) as caught, seats.seat("ada"):
            pass
        setting = {"user": "max_watches_per_user", "server": "max_watches"}[scope]
        assert caught.value.reason == "CAPACITY_REACHED"
        assert caught.value.metadata == {"limit": limit, "scope": scope, "setting": setting}
        assert caught.value.retry_after_s
        assert seats.taken == len(users)
    assert seats.taken == 0
    with seats.seat("ada"):
        assert seats.taken == 1


def test_seat_is_given_back_when_its_holder_fails() -> None:
    seats = Seats("watches", total=1, per_user=1)
    for _ in range(2):
        with pytest.raises(KeyError), seats.seat("ada"):
            raise KeyError
    assert seats.taken == 0


def test_those_who_are_refused_do_not_all_come_back_at_once() -> None:
    seats = Seats("watches", total=0, per_user=1, retry_after_s=10.0)
    waits = set()
    for _ in range(50):
        with pytest.raises(ResourceExhaustedError) as caught, seats.seat("ada"):
            pass
        waits.add(caught.value.retry_after_s)
    assert len(waits) > 40
    assert all(wait is not None and 8.0 <= wait <= 12.0 for wait in waits)
