"""Who is told of each frame while a stream runs."""

from __future__ import annotations

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
            number: Just told by `taken`.
        """

    def sent(self, number: int) -> None:
        """It was handed to the connection.

        Args:
            number: Told by `taken`.
        """
