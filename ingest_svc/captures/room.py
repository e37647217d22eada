"""Room for pictures that wait for the executor: its queue bounds their number, and this their bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mesh.errors import ResourceExhaustedError

_RETRY_AFTER_S = 1.0


class PictureRoom:
    """Lets pictures in while all of them together stay within a limit. One for all of a process; not thread-safe.

    A picture alone is let in whatever it weighs: the limits of messages and pictures are for that.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Sets the limit.

        Args:
            limit_bytes: Bytes that may be held at once, of pictures as they were sent.
        """
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._held_count = 0

    @property
    def held_count(self) -> int:
        """How many pictures wait, or are in the executor's hands."""
        return self._held_count

    @property
    def held_bytes(self) -> int:
        """What is held now."""
        return self._held_bytes

    @contextlib.contextmanager
    def hold(self, size_bytes: int) -> Iterator[None]:
        """Holds a picture within the block.

        Args:
            size_bytes: What it weighs.

        Raises:
            ResourceExhaustedError: CAPACITY_REACHED, when too much is held already.
        """
        if self._held_bytes and self._held_bytes + size_bytes > self._limit_bytes:
            raise ResourceExhaustedError(
                f"pictures of {self._held_bytes} bytes wait already, and {size_bytes} more would be above the limit",
                "CAPACITY_REACHED",
                {"limit": str(self._limit_bytes), "unit": "bytes"},
                retry_after_s=_RETRY_AFTER_S,
            )
        self._held_bytes += size_bytes
        self._held_count += 1
        try:
            yield
        finally:
            self._held_bytes -= size_bytes
            self._held_count -= 1
