"""Who is told of each frame while a stream runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vitrine.sdk.frames import CameraFrame


class Witness(Protocol):
    """Told of each frame as it goes up, at once and in order; what it does must be quick."""

    def taken(self, number: int, frame: CameraFrame) -> None:
        """A frame has its number.

        Args:
            number: From 1 on, one more each.
            frame: The frame.
        """

    def dropped(self, number: int) -> None:
        """It is not sent, because too many wait: the server counts its number as lost.

        Args:
            number: Told by `taken`.
        """

    def sent(self, number: int) -> None:
        """It is handed to the connection; one that breaks just then may swallow it.

        Args:
            number: Told by `taken`.
        """


class Witnesses:
    """Several that are told the same."""

    def __init__(self, each: Sequence[Witness]) -> None:
        self._each = tuple(each)

    def taken(self, number: int, frame: CameraFrame) -> None:
        """Tells each in turn."""
        for witness in self._each:
            witness.taken(number, frame)

    def dropped(self, number: int) -> None:
        """Tells each in turn."""
        for witness in self._each:
            witness.dropped(number)

    def sent(self, number: int) -> None:
        """Tells each in turn."""
        for witness in self._each:
            witness.sent(number)
