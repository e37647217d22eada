"""Ways in which a picture could be kept by mistake, to prove that the search for such pictures would find it."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
from vitrine.embedded.mesh import EmbeddedMesh


class Plants:
    """Hides a picture in the places of a mesh.

    Attributes:
        mesh: The mesh.
        temporary: Its folder of temporary files.
    """

    def __init__(self, mesh: EmbeddedMesh, temporary: Path) -> None:
        self.mesh = mesh
        self.temporary = temporary

    @contextlib.asynccontextmanager
    async def hide(self, picture: bytes) -> AsyncIterator[set[str]]:
        """Hides a picture everywhere, and removes it at the end.

        Args:
            picture: The file.

        Yields:
            The places, as `tests.support.evidence.Piece` names them.
        """
        try:
            yield {*self._files(picture), *await self._columns(picture)}
        finally:
            await self._execute("DROP TABLE IF EXISTS ingest.planted")
            for folder in (self.mesh.home.path, self.temporary):
                for path in folder.rglob("planted*"):
                    path.unlink()

    def _files(self, picture: bytes) -> set[str]:
        home = self.mesh.home
        text = json.dumps({"event": "planted", "request": base64.b64encode(picture).decode()})
        contents = {
            home.objects / "planted.jpg": picture,
            home.index / "planted.bin": b"segment\xff\xd8\xff\0" + picture + b"\0",
            home.logs / "planted.log": text.encode(),
            home.logs / "planted-as-bytes.log": f"[debug] rpc image={picture!r} code=OK\n".encode(),
            home.logs / "planted-in-lines.log": base64.encodebytes(picture),
            self.temporary / "planted": picture,
        }
        for path, data in contents.items():
            path.write_bytes(data)
        return {str(path) for path in contents}

    async def _columns(self, picture: bytes) -> set[str]:
        await self._execute("CREATE TABLE ingest.planted (data bytea, words text, arguments jsonb)")
        arguments = json.dumps({"image": base64.urlsafe_b64encode(picture).decode()})
        await self._execute("INSERT INTO ingest.planted VALUES (%s, %s, %s)", picture, "\\x" + picture.hex(), arguments)
        return {f"ingest.planted.{column}" for column in ("data", "words", "arguments")}

    async def _execute(self, statement: str, *arguments: object) -> None:
        url = self.mesh.database_url.replace("+psycopg", "")
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await connection.execute(statement.encode(), arguments)
