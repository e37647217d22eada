"""How many long calls a process holds open, in all and for one user: each costs memory, and some look into tables."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from mesh.errors import ResourceExhaustedError

_RETRY_AFTER_S = 5.0


class Seats:
    """Lets so many in and refuses the others."""

    def __init__(self, what: str, *, total: int, per_user: int) -> None:
        """Describes the limits.

        Args:
            what: What is counted, in the plural, for the refusal: ``watches``.
            total: How many may be open at once in this process.
            per_user: How many of them one user may have.
        """
        self._what = what
        self._total = total
        self._per_user = per_user
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many are open now."""
        return self._taken.total()

    @contextlib.contextmanager
    def seat(self, user: str) -> Iterator[None]:
        """Takes a seat within the block.

        Args:
            user: For whom.

        Raises:
            ResourceExhaustedError: CAPACITY_REACHED; `scope` says whether the user's seats are taken, or all.
        """
        if self._taken[user] >= self._per_user:
            raise self._full("user", self._per_user)
        if self.taken >= self._total:
            raise self._full("server", self._total)
        self._taken[user] += 1
        try:
            yield
        finally:
            self._taken[user] -= 1
            if not self._taken[user]:
                del self._taken[user]

    def _full(self, scope: str, limit: int) -> ResourceExhaustedError:
        whose = "this user has" if scope == "user" else "this server has"
        return ResourceExhaustedError(
            f"{whose} {limit} {self._what} open, which is the limit",
            "CAPACITY_REACHED",
            {"limit": str(limit), "scope": scope},
            retry_after_s=_RETRY_AFTER_S,
        )
