"""What is kept of tastes: right for its moment only, bounded, and forgotten when its user changes."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from profile_svc.taste.tastes import group_outfits
from profile_svc.use_cases.digests import Digest, DigestCache, DigestKey, Step

pytestmark = pytest.mark.unit

KEY = DigestKey(uuid.UUID(int=1), 7, "m/1")


def digest(*days: float) -> Digest:
    trail = tuple(Step(day, (day,), np.array([1.0], np.float32)) for day in days)
    return Digest(group_outfits([]), trail, {})


def kept(cache: DigestCache, user_id: str = "ada", key: DigestKey = KEY) -> Digest:
    made_of = digest()
    with cache.making(user_id) as made:
        cache.put(user_id, key, made_of, made)
    return made_of


@pytest.mark.parametrize(
    "other",
    [DigestKey(KEY.epoch, 8, "m/1"), DigestKey(uuid.UUID(int=2), 7, "m/1"), DigestKey(KEY.epoch, 7, "m/2")],
    ids=["something was recorded since", "a user who came back", "another model"],
)
def test_digest_is_right_for_its_moment_only(other: DigestKey) -> None:
    cache = DigestCache(4)
    found = kept(cache)
    assert cache.get("ada", KEY) is found
    assert cache.get("ada", other) is None
    assert cache.get("bob", KEY) is None


def test_those_who_asked_last_stay() -> None:
    cache = DigestCache(2)
    for user in ("ada", "bob"):
        kept(cache, user)
    assert cache.get("ada", KEY) is not None
    kept(cache, "eve")
    assert [cache.get(user, KEY) is not None for user in ("ada", "bob", "eve")] == [True, False, True]


def test_size_of_nothing_keeps_nothing() -> None:
    cache = DigestCache(0)
    kept(cache)
    assert (cache.get("ada", KEY), len(cache)) == (None, 0)


@pytest.mark.parametrize(("who", "left"), [("ada", ["bob"]), (None, []), ("eve", ["ada", "bob"])])
def test_who_changes_is_forgotten(who: str | None, left: list[str]) -> None:
    cache = DigestCache(4)
    for user in ("ada", "bob"):
        kept(cache, user)
    cache.forget(who)
    assert [user for user in ("ada", "bob") if cache.get(user, KEY) is not None] == left


@pytest.mark.parametrize(("who", "stays"), [("ada", False), (None, False), ("bob", True)])
def test_what_was_read_before_a_change_is_not_kept(who: str | None, stays: bool) -> None:
    """The user may have been erased while the digest was made."""
    cache = DigestCache(4)
    with cache.making("ada") as made, cache.making("ada") as beside:
        cache.forget(who)
        with cache.making("ada") as later:
            pass
        cache.put("ada", KEY, digest(), made)
        assert (cache.get("ada", KEY) is not None) == stays
        cache.put("ada", KEY, digest(), beside)
        assert (cache.get("ada", KEY) is not None) == stays
    assert not later.stale


def test_step_of_a_time_is_the_last_one_in_the_log_that_was_seen_by_then() -> None:
    found = digest(10.0, 30.0, 20.0)
    assert [None if (step := found.before(at)) is None else step.observe_s for at in (9, 10, 25, 30)] == [
        None, 10.0, 20.0, 20.0,
    ]  # fmt: skip
