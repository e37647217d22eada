"""Pictures for a replay from what was streamed then, where the user still has it: each is known by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from vitrine.ingest.v1 import stream_service_pb2 as pb
from vitrine.sdk.camera import Camera
from vitrine.sdk.frames import PICTURES, CameraFrame, frames_of, pictures_in
from vitrine.sdk.recording_file import RecordingError
from vitrine.sdk.recording_looks import Looker, differing_bits
from vitrine.sdk.recording_session import RecordedSession

LONG_SIDE_PX = 640
QUALITY = 80
# Another version of the encoder gives other bytes of the same picture, but hardly another gradient hash.
_SAME_BITS = 4
_HASH_BLOCK = 1 << 20
# A copy or an overtaken frame asks again for a picture that was read a while ago.
_PICTURES_KEPT = 1024


def kind_of_source(source: str) -> str:
    """Names a source: ``camera``, ``pictures`` or ``video``."""
    path = Path(source)
    if source.isdigit():
        return "camera"
    return "pictures" if path.is_dir() or path.suffix.lower() in PICTURES else "video"


def hash_source(source: str) -> str:
    """Hashes what is streamed, SHA-256 in hex: a file, or a folder's pictures in order; empty for a camera.

    Args:
        source: As for `frames_of`.
    """
    path = Path(source)
    if source.isdigit() or not path.exists():
        return ""
    digest = hashlib.sha256()
    for file in pictures_in(path) if path.is_dir() else [path]:
        with file.open("rb") as opened:
            while block := opened.read(_HASH_BLOCK):
                digest.update(block)
    return digest.hexdigest()


@dataclass(slots=True)
class SourcePictures:
    """Reads the pictures from what was streamed then, and knows each by its hash.

    Attributes:
        source: As for `frames_of`.
        session: The recording.
        same: Pictures whose bytes are those that were recorded.
        alike: Pictures of other bytes that look the same: another version of the encoder made them.
        other: Numbers of the frames whose pictures are neither.
    """

    source: str
    session: RecordedSession
    same: int = 0
    alike: int = 0
    other: list[int] = field(default_factory=list)
    _frames: AsyncIterator[CameraFrame] | None = None
    _kept: dict[int, bytes] = field(default_factory=dict)
    _next: int = 0
    _looker: Looker = field(default_factory=Looker)
    _camera: Camera = field(default_factory=Camera)

    def __post_init__(self) -> None:
        """Opens the source.

        Raises:
            RecordingError: The recording was made of another file.
        """
        note = self.session.head.get("source", {})
        wanted = note.get("sha256", "")
        if wanted and (found := hash_source(self.source)) != wanted:
            raise RecordingError(
                f"the recording was made of another file: its SHA-256 is {wanted[:12]}, not {found[:12]}"
            )
        self._frames = frames_of(
            self.source,
            fps=float(note.get("fps", 10.0)),
            long_side_px=int(note.get("long_side_px", LONG_SIDE_PX)),
            jpeg_quality=int(note.get("jpeg_quality", QUALITY)),
            paced=False,
            camera=self._camera,
        )

    @property
    def are_recorded(self) -> bool:
        """Whether every picture so far is, or looks like, the recorded one."""
        return not self.other

    @property
    def words(self) -> str:
        """Says how many were known again."""
        parts = [f"pictures are the source's: {self.same} known by their hash"]
        parts += [f"{self.alike} by their looks"] if self.alike else []
        parts += [f"{len(self.other)} are others than were recorded"] if self.other else []
        return ", ".join(parts)

    async def picture(self, index: int) -> bytes:
        """Reads on to one.

        Raises:
            RecordingError: The source has ended before, or the picture was passed long ago.
        """
        while self._next <= index:
            frame = await self._take(self._next + 1)
            if frame is None:
                raise RecordingError(f"the source ends after {self._next} pictures; the recording wants {index + 1}")
            self._kept[self._next] = frame.jpeg
            self._check(self._next + 1, frame.jpeg)
            self._next += 1
            self._kept.pop(self._next - _PICTURES_KEPT, None)
        if index not in self._kept:
            raise RecordingError(f"picture {index + 1} is asked for again after {self._next - index} more")
        return self._kept[index]

    async def _take(self, number: int) -> CameraFrame | None:
        """Reads the next frame, as it was taken then: what was left out then is left out again."""
        recorded = self.session.frames.get(number)
        advised = recorded.advised or {} if recorded is not None else {}
        self._camera.obey(
            pb.QualityAdvice(
                frame_rate_fps=advised.get("fps", 0.0),
                long_side_px=int(advised.get("long_side_px", 0)),
                jpeg_quality=int(advised.get("jpeg_quality", 0)),
            )
        )
        return await anext(self._frames, None) if self._frames is not None else None

    def _check(self, number: int, jpeg: bytes) -> None:
        recorded = self.session.frames.get(number)
        if recorded is None or not recorded.sha256:
            return
        if hashlib.sha256(jpeg).hexdigest() == recorded.sha256:
            self.same += 1
        elif recorded.look is not None and self._looks_like(jpeg, recorded.look):
            self.alike += 1
        else:
            self.other.append(number)

    def _looks_like(self, jpeg: bytes, look: int) -> bool:
        return differing_bits(self._looker.look(jpeg).gradient_hash, look) <= _SAME_BITS
