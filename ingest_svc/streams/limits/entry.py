"""Who may open a stream in this process: while it has seats, and work for less than its hands."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from ingest_svc.streams.events import Limits
from ingest_svc.streams.limits.load import Load
from mesh.errors import ResourceExhaustedError
from mesh.seats import Seats


class Entry:
    """The way into this process."""

    def __init__(
        self, limits: Limits, load: Load | None = None, count_refusal: Callable[[str], None] = lambda _: None
    ) -> None:
        """Describes the way in.

        Args:
            limits: How many streams there may be.
            load: Whether there is too much work already; None for never.
            count_refusal: Told of each refusal: the scope of the limit, ``server`` or ``user``.
        """
        self._load = load
        self._total = limits.max_streams
        self._count_refusal = count_refusal
        self._seats = Seats(
            "streams",
            total=limits.max_streams,
            per_user=limits.max_streams_per_user,
            retry_after_s=limits.capacity_retry_s,
        )

    @property
    def share(self) -> float:
        """How much of it is taken, 0-1."""
        return self._seats.taken / self._total

    @property
    def lag_s(self) -> float:
        """How late this process is with what it wants to do, seconds; 0 where that is not measured."""
        return 0.0 if self._load is None else self._load.lag_s

    @contextlib.contextmanager
    def admit(self, user: str, *, resumes: bool) -> Iterator[None]:
        """Takes a seat within the block.

        Args:
            user: For whom.
            resumes: Whether a session goes on, that was admitted once: it needs a seat, but load does not stop it.

        Raises:
            ResourceExhaustedError: CAPACITY_REACHED. One that the block raises, where it knows of other processes, is
                counted too.
        """
        try:
            if self._load is not None and not resumes:
                self._load.check()
            with self._seats.seat(user):
                yield
        except ResourceExhaustedError as error:
            if error.reason == "CAPACITY_REACHED":
                self._count_refusal(error.metadata.get("scope", "server"))
            raise
