"""The whole mesh behind the real Envoy, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from vitrine.embedded.find import find_models_dir
from vitrine.embedded.home import Home
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.embedded.plan import MeshOptions
from vitrine.sdk import Vitrine

# Two meshes may start at once, on two cores.
_READY_S = 240.0


@contextlib.asynccontextmanager
async def running_mesh(folder: Path, **options: Any) -> AsyncIterator[EmbeddedMesh]:
    """Runs a mesh in a folder and removes its database afterwards.

    Args:
        folder: The mesh's folder.
        **options: Fields of `MeshOptions`, for example `replicas={"ingest": 2}` or `settings={"worker": {...}}`.
    """
    models = find_models_dir()
    if models is None:
        pytest.fail("the model files are missing: python -m imaging.models.fetch --dir models")
    # Tests may call as fast as they like, except where they test the limit.
    limits = {"requests_per_second": 10_000, "total_requests_per_second": 100_000}
    edge_settings = {**limits, **options.pop("edge_settings", {})}
    # A machine that is busy with other things refuses no streams, except where a test makes it.
    settings = {**options.pop("settings", {})}
    settings["*"] = {"MAX_LOOP_LAG_S": "60", **settings.get("*", {})}
    mesh = EmbeddedMesh(
        Home(folder),
        MeshOptions(models_dir=models, durable=False, edge_settings=edge_settings, settings=settings, **options),
        ready_s=_READY_S,
    )
    try:
        async with mesh:
            yield mesh
    finally:
        mesh.postgres.delete()


def client(mesh: EmbeddedMesh, user: str = "ada", *roles: str, ttl_s: float = 600.0) -> Vitrine:
    """Makes a client of the SDK for a user; use it as an async context manager.

    Args:
        mesh: The mesh.
        user: The subject of the token.
        *roles: Roles of the token: `operator`, `service`.
        ttl_s: Lifetime of the token, in seconds.
    """
    return Vitrine(mesh.edge_target, user=user, token=mesh.keys.token(user, roles, ttl_s))


async def command_line(mesh: EmbeddedMesh, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Runs `vitrine --json` as a program; gives its exit code and its JSON lines.

    Args:
        mesh: The mesh that it talks to.
        *words: The command and its options.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "VITRINE_HOME": str(mesh.home.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vitrine.cli", "--json", *words, env=environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return process.returncode or 0, [json.loads(line) for line in out.decode().splitlines()]


def bearer(mesh: EmbeddedMesh, user: str = "ada", *roles: str, **claims: Any) -> dict[str, str]:
    """Makes the header with a token.

    Args:
        mesh: The mesh.
        user: The subject.
        *roles: Roles.
        **claims: Other arguments of `SigningKey.sign`: `ttl_s`, `issuer`, `audience`.
    """
    return {"authorization": f"Bearer {mesh.keys.issuer.sign(user, roles, **{'ttl_s': 600.0, **claims})}"}
