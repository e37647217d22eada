"""Pictures of a plan made ahead of their time, so that a burst is one."""

from __future__ import annotations

import asyncio

from vitrine.sdk.plans import Plan, damaged
from vitrine.sdk.recording_pictures import Pictures

# A burst of 15 s at 24 frames a second; some 20 MB.
_AHEAD = 400


class PicturesAhead:
    """What is sent, frame by frame in the order of the plan."""

    def __init__(self, plan: Plan, pictures: Pictures) -> None:
        """Prepares; nothing is made before `make`.

        Args:
            plan: Which pictures, and how they are broken.
            pictures: Where they come from.
        """
        self._plan, self._pictures = plan, pictures
        self._made: asyncio.Queue[bytes | Exception] = asyncio.Queue(_AHEAD)
        self._held: bytes | None = None

    async def make(self) -> None:
        """Makes them to the end of the plan, or until one cannot be had."""
        try:
            for frame in self._plan.frames:
                await self._made.put(damaged(await self._pictures.picture(frame.picture), frame.damage))
        except Exception as error:  # noqa: BLE001  told where the picture is wanted
            await self._made.put(error)

    async def next(self) -> bytes:
        """Gives the next one; the same one again until it is `taken`.

        Raises:
            Exception: What getting the picture raised.
        """
        if self._held is None:
            made = await self._made.get()
            if isinstance(made, Exception):
                raise made
            self._held = made
        return self._held

    def taken(self) -> None:
        """Goes on to the one after."""
        self._held = None
