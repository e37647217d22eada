"""The object store: a directory, memory, or S3, behind one small face."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.exceptions import NotFoundError as MissingObjectError
from obstore.store import LocalStore, MemoryStore, S3Store

from mesh.errors import NotFoundError, UnavailableError

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*(/[A-Za-z0-9][A-Za-z0-9._=-]*)*")
# What obstore calls a file until it is whole: the key and a number. No key of ours has a `#`.
_UNFINISHED = re.compile(r".+#\d+")
_DELETE_BATCH = 500


class ObjectStore:
    """Keeps bytes under keys.

    Keys are made by the server from ids: they hold no text that a user wrote, and cannot climb out of their folder.
    """

    def __init__(self, url: str, *, s3_options: Mapping[str, Any] | None = None) -> None:
        """Opens a store; nothing is contacted yet.

        Args:
            url: ``file:///folder`` (made when missing), ``memory://`` or ``s3://bucket/prefix``.
            s3_options: For S3: ``endpoint``, ``access_key_id``, ``secret_access_key``, ``region``, ``client_options``.

        Raises:
            ValueError: When the URL is of another kind.
        """
        self._store, self._has_attributes = _open(url, dict(s3_options or {}))
        self._folder = Path(self._store.prefix) if isinstance(self._store, LocalStore) and self._store.prefix else None

    async def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Writes an object, replacing one with the same key; readers see the old or the new one, never a part.

        Args:
            key: Its key.
            data: Its bytes.
            content_type: Its media type; kept on S3 only.
        """
        attributes: Any = {"Content-Type": content_type} if self._has_attributes else None
        with _translated(_checked(key)):
            await obstore.put_async(self._store, key, data, attributes=attributes)

    async def get(self, key: str) -> bytes:
        """Reads an object.

        Args:
            key: Its key.

        Raises:
            NotFoundError: RESOURCE_NOT_FOUND.
        """
        with _translated(_checked(key)):
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())

    async def delete(self, key: str) -> bool:
        """Removes an object.

        Args:
            key: Its key.

        Returns:
            Whether there was one.
        """
        try:
            with _translated(_checked(key)):
                await obstore.head_async(self._store, key)
                await obstore.delete_async(self._store, key)
        except NotFoundError:
            return False
        return True

    async def delete_prefix(self, prefix: str) -> int:
        """Removes all objects below a folder.

        Args:
            prefix: The folder, for example ``users/1234``; ``users/12`` is no part of it.

        Returns:
            How many there were.
        """
        keys = [key async for key in self.list(prefix)]
        for start in range(0, len(keys), _DELETE_BATCH):
            with _translated(prefix):
                await obstore.delete_async(self._store, keys[start : start + _DELETE_BATCH])
        return len(keys)

    async def list(self, prefix: str = "") -> AsyncIterator[str]:
        """Yields the keys below a folder, in no order.

        Args:
            prefix: The folder; empty for all.
        """
        with _translated(_checked(prefix) if prefix else ""):
            async for batch in obstore.list(self._store, prefix or None):
                for entry in batch:
                    yield entry["path"]

    async def sweep_unfinished(self, *, older_than_s: float) -> int:
        """Removes what a process left that was killed while it wrote: a directory then holds a half-written file.

        Memory and S3 have nothing to sweep: a write that ends early leaves nothing there.

        Args:
            older_than_s: Files that were touched since are left alone, seconds.

        Returns:
            How many were removed.
        """
        if self._folder is None:
            return 0
        with _translated(""):
            return await asyncio.to_thread(_sweep, self._folder, time.time() - older_than_s)

    async def ping(self) -> None:
        """Asks the store whether it is there.

        Raises:
            UnavailableError: When it does not answer.
        """
        with _translated(""):
            async for _ in obstore.list(self._store, "ping", chunk_size=1):
                break


def _open(url: str, s3_options: dict[str, Any]) -> tuple[Any, bool]:
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        folder.mkdir(parents=True, exist_ok=True)
        return LocalStore(folder), False
    if parts.scheme == "memory":
        return MemoryStore(), False
    if parts.scheme == "s3":
        prefix = parts.path.strip("/") or None
        return S3Store(parts.netloc, prefix=prefix, **s3_options), True
    raise ValueError(f"objects_url must begin with file://, memory:// or s3://, got {parts.scheme!r}")


def _sweep(folder: Path, before: float) -> int:
    removed = 0
    for path in folder.rglob("*#*"):
        if _UNFINISHED.fullmatch(path.name):
            with suppress(FileNotFoundError):  # it was finished just now, or another process was first
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
    return removed


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a key: {key!r}")
    return key


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except (MissingObjectError, FileNotFoundError) as error:
        raise NotFoundError(f"no object {key}", "RESOURCE_NOT_FOUND") from error
    except (TimeoutError, BaseError, OSError) as error:
        raise UnavailableError(
            "the object store does not answer", "DEPENDENCY_UNAVAILABLE", {"dependency": "objects"}, retry_after_s=1.0
        ) from error
