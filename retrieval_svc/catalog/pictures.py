"""Our copies of product pictures: checked, re-encoded without metadata, kept in the object store under their hash."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from imaging.decode import decode_bgr, encode_jpeg
from mesh.executor import ModelExecutor
from mesh.objects import ObjectStore

# What a product page and the encoder need; larger pictures only cost.
MAX_SIDE_PX = 1024
_QUALITY = 85
_FOLDER = "products"
_ID_CHARS = 32
# Nobody writes a picture for so long.
_UNFINISHED_AGE_S = 3600.0


@dataclass(frozen=True, slots=True)
class PreparedPicture:
    """A picture that came in, as we keep it.

    Attributes:
        image_id: Hash of the file that came in, so that the same file is known again.
        width_px: Width of our copy.
        height_px: Height of our copy.
        jpeg: Our copy.
    """

    image_id: str
    width_px: int
    height_px: int
    jpeg: bytes


def image_id_of(data: bytes) -> str:
    """Returns the id of a picture: the first half of the SHA-256 of the file that came in."""
    return hashlib.sha256(data).hexdigest()[:_ID_CHARS]


def prepare(data: bytes) -> PreparedPicture:
    """Checks a picture and makes our copy of it.

    Args:
        data: A JPEG, PNG or WebP file.

    Raises:
        imaging.errors.ImageError: When it cannot be used.
    """
    image_bgr = decode_bgr(data, max_side_px=MAX_SIDE_PX)
    height_px, width_px = image_bgr.shape[:2]
    return PreparedPicture(image_id_of(data), width_px, height_px, encode_jpeg(image_bgr, quality=_QUALITY))


class PictureStore:
    """Where our copies are."""

    def __init__(self, objects: ObjectStore, executor: ModelExecutor) -> None:
        self._objects = objects
        self._executor = executor

    async def prepare(self, data: bytes) -> PreparedPicture:
        """Does `prepare` on the executor."""
        return await self._executor.run(prepare, data)

    async def put(self, picture: PreparedPicture) -> None:
        """Keeps a picture; doing it again changes nothing."""
        await self._objects.put(_key(picture.image_id), picture.jpeg, "image/jpeg")

    async def get(self, image_id: str) -> bytes:
        """Returns our copy, a JPEG.

        Raises:
            NotFoundError: When it is not there.
            UnavailableError: When the object store does not answer.
        """
        return await self._objects.get(_key(image_id))

    async def delete(self, image_id: str) -> None:
        """Removes our copy."""
        await self._objects.delete(_key(image_id))

    async def sweep_unfinished(self) -> int:
        """Removes what a process left that was killed while it wrote a picture.

        Returns:
            How many files.
        """
        return await self._objects.sweep_unfinished(older_than_s=_UNFINISHED_AGE_S)

    async def image_ids(self) -> AsyncIterator[str]:
        """Yields the ids of all pictures that are kept."""
        async for key in self._objects.list(_FOLDER):
            yield key.rsplit("/", 1)[-1].removesuffix(".jpg")


def _key(image_id: str) -> str:
    return f"{_FOLDER}/{image_id[:2]}/{image_id}.jpg"
