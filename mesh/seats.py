"""How many long calls a process holds open, in all and for one user: each costs memory, and some look into tables."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from mesh.errors import ResourceExhaustedError

_RETRY_AFTER_S = 5.0
# Those who are refused together shall not come back together.
_JITTER = 0.2


class Seats:
    """Lets so many in and refuses the others."""

    def __init__(self, what: str, *, total: int, per_user: int, retry_after_s: float = _RETRY_AFTER_S) -> None:
        """Describes the limits.

        Args:
            what: What is counted, in the plural, as the settings `max_watches` and `max_watches_per_user` have it.
            total: How many may be open at once in this process.
            per_user: How many of them one user may have.
            retry_after_s: When who is refused may come again, seconds, give or take a fifth.
        """
        self._what = what
        self._total = total
        self._per_user = per_user
        self._retry_after_s = retry_after_s
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
            raise seats_taken(self._what, "user", self._per_user, self._retry_after_s)
        if self.taken >= self._total:
            raise seats_taken(self._what, "server", self._total, self._retry_after_s)
        self._taken[user] += 1
        try:
            yield
        finally:
            self._taken[user] -= 1
            if not self._taken[user]:
                del self._taken[user]


def seats_taken(
    what: str, scope: Literal["user", "server"], limit: int, retry_after_s: float = _RETRY_AFTER_S
) -> ResourceExhaustedError:
    """Makes the refusal of one more.

    Args:
        what: As of `Seats`.
        scope: Whose limit is reached.
        limit: The limit.
        retry_after_s: When a seat may be free, seconds.

    Returns:
        CAPACITY_REACHED; its metadata name the `limit`, its `scope` and its `setting`.
    """
    return ResourceExhaustedError(
        f"this {scope} has {limit} {what} open, which is the limit",
        "CAPACITY_REACHED",
        {"limit": str(limit), "scope": scope, "setting": f"max_{what}" + ("_per_user" if scope == "user" else "")},
        retry_after_s=soon(retry_after_s),
    )


def soon(seconds: float) -> float:
    """Returns a time for a `RetryInfo`: about so many seconds, for each caller another.

    Args:
        seconds: The middle.
    """
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads callers, no secret
