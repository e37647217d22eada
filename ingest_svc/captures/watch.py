"""Following a capture until it is final."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator

from ingest_svc.captures.capture import Capture
from ingest_svc.captures.detail import taste_pending
from ingest_svc.captures.lifecycle import Captures
from ingest_svc.captures.notify import CaptureNotifier
from mesh.errors import NotFoundError, UnavailableError
from mesh.seats import Seats

# Should a notification be lost all the same, the row is looked at this often.
_LOOK_S = 5.0


class Watch:
    """The use case behind WatchCapture."""

    def __init__(self, captures: Captures, notifier: CaptureNotifier, seats: Seats, *, heartbeat_s: float) -> None:
        self._captures = captures
        self._seats = seats
        self._notifier = notifier
        self.heartbeat_s = heartbeat_s

    async def follow(
        self, user: str, capture_id: uuid.UUID, *, until_taste: bool = False
    ) -> AsyncIterator[Capture | None]:
        """Yields a capture at once and after every change, and None after a silence of `heartbeat_s`.

        Args:
            user: Whose it is.
            capture_id: Which.
            until_taste: Whether to go on while the taste of a capture that has SUCCEEDED is pending.

        Raises:
            NotFoundError: When there is no such capture, or no longer.
            ResourceExhaustedError: CAPACITY_REACHED, when too many are watched already.
            UnavailableError: SHUTTING_DOWN, when the server stops.
        """
        with self._seats.seat(user), self._notifier.subscribe(capture_id) as subscription:
            seen_version, silent_since = 0, time.monotonic()
            while True:
                capture = await self._captures.changed(user, capture_id, seen_version)
                if capture is not None:
                    if capture.delete_requested:
                        raise NotFoundError("the capture is being deleted", "RESOURCE_NOT_FOUND")
                    seen_version, silent_since = capture.version, time.monotonic()
                    yield capture
                    if capture.state.final and not (until_taste and taste_pending(capture)):
                        return
                if self._notifier.closing:
                    raise UnavailableError("the server shuts down; connect again", "SHUTTING_DOWN", retry_after_s=1.0)
                rest_s = self.heartbeat_s - (time.monotonic() - silent_since)
                if not await subscription.wait(min(_LOOK_S, max(rest_s, 0.0))) and rest_s <= _LOOK_S:
                    silent_since = time.monotonic()
                    yield None
