"""A generation of the in-process index as one file: a tar with a manifest in front, and the generation's folder.

Only a folder that nobody writes to may be saved. What is read back is checked byte for byte before it is used.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from retrieval_svc.index.build import STATE_FILE
from retrieval_svc.index.generation import GenerationState, state_from_json, state_to_json

FORMAT = 1
_MANIFEST = "manifest.json"
_MANIFEST_LIMIT = 16 * 1024 * 1024
_CHUNK = 1024 * 1024


class SnapshotError(Exception):
    """A snapshot that cannot be made, or must not be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds.

    Attributes:
        state: The generation; its `applied_seq` says how far it has followed the catalogue.
        product_count: How many products it holds.
        files: SHA-256 of every file, in hexadecimal, by its path in the generation's folder.
        folders: Paths of the folders in it; the engine wants some of them though they are empty.
    """

    state: GenerationState
    product_count: int
    files: Mapping[str, str]
    folders: Sequence[str] = ()


def save(folder: Path, state: GenerationState, product_count: int, target: Path) -> Manifest:
    """Writes a snapshot; readers of the target see the old or the new one, never a part.

    Args:
        folder: The generation's folder; nobody writes to it meanwhile.
        state: What its state file says.
        product_count: How many products it holds.
        target: The file.
    """
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    paths.pop(STATE_FILE, None)  # the manifest has it
    folders = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_dir()]
    manifest = Manifest(state, product_count, {name: _digest(path) for name, path in paths.items()}, folders)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                _add_manifest(tar, manifest)
                for name, path in paths.items():
                    tar.add(path, name, recursive=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def read_manifest(source: Path) -> Manifest:
    """Reads what a snapshot holds.

    Raises:
        SnapshotError: When it is no snapshot, or one of another format.
    """
    try:
        with tarfile.open(source, "r:") as tar:
            return _manifest(tar.next(), tar)
    except (OSError, tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise SnapshotError(f"{source} is no snapshot of an index: {error}") from error


def unpack(source: Path, folder: Path) -> Manifest:
    """Writes a generation's folder, without its state file: with it the folder would count as complete.

    Args:
        source: The snapshot.
        folder: It is made; after an error it is worth nothing.

    Raises:
        SnapshotError: When the snapshot is cut off or damaged, or holds what its manifest does not name.
    """
    manifest = read_manifest(source)
    for path in (folder, *(_inside(folder, name) for name in manifest.folders)):
        path.mkdir(parents=True)
    left = dict(manifest.files)
    try:
        with tarfile.open(source, "r:") as tar:
            tar.next()
            while (member := tar.next()) is not None:
                expected, content = left.pop(member.name, None), tar.extractfile(member)
                if expected is None or content is None:
                    raise SnapshotError(f"{source} holds {member.name!r}, which its manifest does not name")
                _write(content, _inside(folder, member.name), expected)
    except (OSError, tarfile.TarError) as error:
        raise SnapshotError(f"{source} cannot be read to its end: {error}") from error
    if left:
        raise SnapshotError(f"{source} is cut off: {len(left)} of {len(manifest.files)} files are missing")
    return manifest


def _inside(folder: Path, name: str) -> Path:
    if name.startswith("/") or ".." in PurePosixPath(name).parts:
        raise SnapshotError(f"a snapshot must not write to {name!r}")
    return folder / name


def _write(content: IO[bytes], path: Path, expected: str) -> None:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != expected:
        raise SnapshotError(f"{path.name} is damaged: it has another SHA-256 than the manifest says")


def _add_manifest(tar: tarfile.TarFile, manifest: Manifest) -> None:
    value = {
        "format": FORMAT,
        "state": state_to_json(manifest.state),
        "product_count": manifest.product_count,
        "files": dict(manifest.files),
        "folders": list(manifest.folders),
    }
    text = json.dumps(value, indent=1).encode()
    member = tarfile.TarInfo(_MANIFEST)
    member.size = len(text)
    tar.addfile(member, io.BytesIO(text))


def _manifest(member: tarfile.TarInfo | None, tar: tarfile.TarFile) -> Manifest:
    content = tar.extractfile(member) if member is not None and member.name == _MANIFEST else None
    if member is None or content is None or member.size > _MANIFEST_LIMIT:
        raise ValueError("it does not begin with a manifest")
    value: dict[str, Any] = json.loads(content.read())
    if value["format"] != FORMAT:
        raise ValueError(f"its format is {value['format']}, this version reads {FORMAT}")
    state, count = state_from_json(value["state"]), int(value["product_count"])
    return Manifest(state, count, dict(value["files"]), list(value["folders"]))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
