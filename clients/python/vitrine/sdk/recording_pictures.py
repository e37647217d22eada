"""Pictures for a replay without the source: drawn ones.

One scene follows another where the recorded scenes changed, so that keyframes come as they came. What people wore in
them cannot be drawn.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from vitrine.sdk.recording_session import RecordedFrame, RecordedSession

_QUALITY = 80
_SIZE_PX = (640, 360)
_MOST_SIDE_PX = 4096
_CELLS = (6, 9)
# A recorded difference above this is a change of scene, as far as a difference in grey says (the rule's threshold).
_SCENE_CHANGE = 0.06


class Pictures(Protocol):
    """Gives the picture of a frame."""

    @property
    def words(self) -> str:
        """Says where the pictures come from, and how far they can be trusted."""

    @property
    def are_recorded(self) -> bool:
        """Whether they show what was recorded."""

    async def picture(self, index: int) -> bytes:
        """Gives the picture with this place in the sequence that was filmed, from 0 on, as JPEG.

        Indexes may only rise, but for the last few, which may be asked for again.
        """


def scenes_of(session: RecordedSession) -> list[int]:
    """Tells which scene each picture of a recording belongs to, from 0 on: they change where keyframes say so.

    The change is put where the recorded frames differ most between a keyframe and the last frame before it that was
    looked at: frames inside the minimum interval were not.

    Args:
        session: The recording.
    """
    last = max(session.frames, default=0)
    changes = Counter[int]()
    judged = any(frame.outcome for frame in session.frames.values())  # a profile's frames are not
    for number, frame in session.frames.items():
        if judged and frame.why == "scene_change":
            changes[_began(session, number)] += 1
        elif not judged and frame.change >= _SCENE_CHANGE:
            changes[number] += 1
    scenes, scene = [], 0
    for number in range(1, last + 1):
        scene += changes[number]
        scenes.append(scene)
    return scenes


def _began(session: RecordedSession, key: int) -> int:
    """The frame at which the scene of a keyframe began."""
    best, most = key, _change(session.frames.get(key))
    number = key - 1
    while number >= 1 and (frame := session.frames.get(number)) is not None and not frame.why:
        if frame.outcome != "skipped_interval":
            break
        if frame.change > most:
            best, most = number, frame.change
        number -= 1
    return best if most >= _SCENE_CHANGE else key


def _change(frame: RecordedFrame | None) -> float:
    return frame.change if frame is not None else 0.0


class DrawnPictures:
    """Draws scenes: coloured cells, other ones in each scene; with a little noise that differs from frame to frame."""

    are_recorded = False

    def __init__(self, scenes: Sequence[int], sizes_px: Sequence[tuple[int, int]] = ()) -> None:
        """Prepares; a picture is drawn when it is asked for.

        Args:
            scenes: The scene of each picture.
            sizes_px: Width and height of each, as far as they are known.
        """
        self._scenes, self._sizes = scenes, sizes_px

    @classmethod
    def of(cls, session: RecordedSession) -> DrawnPictures:
        """Prepares the pictures of a recording."""
        frames = (session.frames.get(number) for number in range(1, max(session.frames, default=0) + 1))
        return cls(scenes_of(session), [it.size_px if it else (0, 0) for it in frames])

    @property
    def words(self) -> str:
        """Says that they are drawn."""
        scenes = len(set(self._scenes))
        return (
            f"pictures are drawn ({scenes} scenes that change where the recorded ones did): keyframes can be compared, "
            "garments cannot"
        )

    async def picture(self, index: int) -> bytes:
        """Draws one."""
        return await asyncio.to_thread(self.draw, index)

    def draw(self, index: int) -> bytes:
        """Draws the picture with this place; always the same one.

        Args:
            index: From 0 on.
        """
        scene = self._scenes[index] if index < len(self._scenes) else 0
        size = self._sizes[index] if index < len(self._sizes) else (0, 0)
        width, height = size if all(16 <= it <= _MOST_SIDE_PX for it in size) else _SIZE_PX
        cells = np.random.default_rng(scene).integers(24, 232, (*_CELLS, 3))
        small = cv2.resize(cells.astype(np.uint8), (64, 48), interpolation=cv2.INTER_CUBIC)
        noise = np.random.default_rng(index + 1).integers(-2, 3, small.shape)
        noisy = np.clip(small.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        frame = cv2.resize(noisy, (width, height), interpolation=cv2.INTER_LINEAR)
        return bytes(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
