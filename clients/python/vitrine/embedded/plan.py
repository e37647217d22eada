"""Which processes a mesh on one machine has, and what each is told."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vitrine.embedded.children import ChildSpec
from vitrine.embedded.home import Home
from vitrine.embedded.keys import MeshKeys
from vitrine.embedded.ports import LOOPBACK, free_ports

# Which module each process runs. The worker is a process of ingest without the public ports.
_MODULES = {
    "vision": "vision_svc",
    "retrieval": "retrieval_svc",
    "profile": "profile_svc",
    "ingest": "ingest_svc",
    "worker": "ingest_svc.worker",
}
_WITH_DATABASE = ("retrieval", "profile", "ingest", "worker")
_KINDS_OF_PORT = ("grpc", "metrics", "http")
# What a child may know of our environment; everything else it is told by settings.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HF_HOME", "HF_TOKEN")


@dataclass(frozen=True)
class MeshOptions:
    """How a mesh on one machine is to be.

    Attributes:
        replicas: How many processes of each kind; one where not named.
        edge_port: Port of the edge; a free one when None.
        durable: False switches off PostgreSQL's waits for the disk, for tests.
        models_dir: Folder with the model files.
        settings: More settings by kind of process, without `VITRINE_`: `{"ingest": {"LOG_LEVEL": "debug"}}`; those of
            `*` go to all.
        dashboard: Folder with the dashboard's files.
        edge_settings: More settings of the edge, as keyword arguments of `EdgeSettings`.
    """

    replicas: Mapping[str, int] = field(default_factory=dict)
    edge_port: int | None = None
    durable: bool = True
    models_dir: Path | None = None
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dashboard: Path | None = None
    edge_settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replica:
    """One process of a service.

    Attributes:
        name: `vision`, or `ingest-2` for the second one.
        kind: `vision`, `retrieval`, `profile`, `ingest` or `worker`.
        ports: Its ports: `grpc`, `metrics` and `http`.
    """

    name: str
    kind: str
    ports: Mapping[str, int]

    @property
    def target(self) -> str:
        """Its gRPC address."""
        return f"{LOOPBACK}:{self.ports['grpc']}"


def plan_replicas(options: MeshOptions) -> list[Replica]:
    """Names all processes of the services and gives them free ports.

    Args:
        options: How many there are.

    Raises:
        ValueError: An unknown kind of process.
    """
    _check_kinds(options.replicas)
    named = [(kind, number) for kind in _MODULES for number in range(1, options.replicas.get(kind, 1) + 1)]
    ports = iter(free_ports(len(named) * len(_KINDS_OF_PORT)))
    return [
        Replica(kind if number == 1 else f"{kind}-{number}", kind, {use: next(ports) for use in _KINDS_OF_PORT})
        for kind, number in named
    ]


def child_spec(
    replica: Replica, replicas: list[Replica], home: Home, keys: MeshKeys, database_url: str, options: MeshOptions
) -> ChildSpec:
    """Writes down how one process is started.

    Args:
        replica: The process.
        replicas: All of them, to find those that it calls.
        home: The mesh's folder.
        keys: The mesh's keys.
        database_url: The mesh's database.
        options: How the mesh is to be.
    """
    prefix = "WORKER_" if replica.kind == "worker" else ""
    settings = {
        "HOST": LOOPBACK,
        "JWKS": str(keys.jwks),
        "SERVICE_KEY_FILE": str(keys.service_key_file),
        "MODELS_DIR": str(options.models_dir or home.path / "models"),
        "OBJECTS_URL": f"file://{home.objects}",
        "INDEX_DIR": str(home.index / replica.name),
        **{f"{prefix}{use.upper()}_PORT": str(port) for use, port in replica.ports.items()},
        **{f"{kind.upper()}_TARGET": _first(replicas, kind).target for kind in ("vision", "retrieval", "profile")},
        **({"DATABASE_URL": database_url} if replica.kind in _WITH_DATABASE else {}),
        **options.settings.get("*", {}),
        **options.settings.get(replica.kind, {}),
        **options.settings.get(replica.name, {}),
    }
    return ChildSpec(
        name=replica.name,
        command=[sys.executable, "-m", _MODULES[replica.kind]],
        environment=base_environment() | {f"VITRINE_{name}": value for name, value in settings.items()},
        ports={use: port for use, port in replica.ports.items() if use != "http" or replica.kind == "ingest"},
        log=home.logs / f"{replica.name}.log",
        directory=home.path,
    )


def base_environment() -> dict[str, str]:
    """Makes the environment of every child: what it needs of ours, and where Python finds the same code as we do."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    installed = {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    ours = [
        str(Path(entry).absolute()) for entry in sys.path if entry and entry not in installed and Path(entry).is_dir()
    ]
    return inherited | {
        "PYTHONPATH": os.pathsep.join(ours),
        "PYTHONUNBUFFERED": "1",
        # Several processes share the cores; pools of threads as wide as the machine would fight each other.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def parse_replicas(text: str) -> dict[str, int]:
    """Reads `ingest=2,vision=2`.

    Args:
        text: The text; empty for none.

    Raises:
        ValueError: A count is not a number above 0, or there are no such processes.
    """
    counts: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        kind, _, count = part.partition("=")
        if not count.isdigit() or int(count) < 1:
            raise ValueError(f"expected kind=count with a count above 0, such as ingest=2, got {part!r}")
        counts[kind.strip()] = int(count)
    _check_kinds(counts)
    return counts


def _check_kinds(replicas: Mapping[str, int]) -> None:
    unknown = sorted(set(replicas) - set(_MODULES))
    if unknown:
        raise ValueError(f"there are no processes called {', '.join(unknown)}; there are {', '.join(_MODULES)}")


def _first(replicas: list[Replica], kind: str) -> Replica:
    return next(replica for replica in replicas if replica.kind == kind)
