"""Each service from `pip install .[<service>]`, in a clean environment, alone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from vitrine.embedded.ports import free_ports
from vitrine.embedded.postgres import PostgresServer

from mesh.keys import SigningKey, key_set

pytestmark = pytest.mark.mesh

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = sorted(set(PYPROJECT["project"]["optional-dependencies"]) - {"vision-hub"})
LEARNING = {"torch", "transformers", "triton", "tensorflow", "jax"}
# What runs, from which extra, and what it then serves beside health and reflection.
SERVICES = {
    "ingest": ("Stream", "Capture", "TryOn", "Privacy"),
    "vision": ("Garment", "Face", "Body", "Nail", "Design", "Model"),
    "retrieval": ("Catalog", "Search", "Atelier"),
    "profile": ("Profile", "Avatar", "Stylist"),
}
PROCESSES = ["ingest_svc", "ingest_svc.worker", "vision_svc", "retrieval_svc", "profile_svc"]
# A call of each service that needs a caller.
CALLS = {
    "ingest": "/vitrine.ingest.v1.CaptureService/ListCaptures",
    "vision": "/vitrine.vision.v1.ModelService/ListModels",
    "retrieval": "/vitrine.retrieval.v1.CatalogService/ListProducts",
    "profile": "/vitrine.profile.v1.ProfileService/GetProfile",
}


def run_uv(*words: str | Path) -> str:
    """Runs uv on what set-up has left in its cache, and only then with the network."""
    clean = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    for offline in ("1", "0"):
        done = subprocess.run(
            [UV, *words], cwd=ROOT, env={**clean, "UV_OFFLINE": offline}, capture_output=True, text=True, timeout=100,
            check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return done.stdout
    raise AssertionError(done.stderr[-2000:])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    run_uv("build", "--quiet", "--wheel", "--out-dir", folder, ".")
    (built,) = folder.glob("*.whl")
    return built


@dataclass
class Environments:
    """Clean virtual environments, one per extra."""

    wheel: Path
    folder: Path

    def python(self, extra: str) -> Path:
        """The Python of the environment that `pip install .[extra]` makes."""
        environment = self.folder / extra
        python = environment / "bin/python"
        if not python.exists():
            run_uv("venv", "--quiet", "--python", sys.executable, environment)
            requirement = f"vitrine[{extra}] @ {self.wheel.as_uri()}"
            pins = ("-c", "requirements/demo.txt")
            run_uv("pip", "install", "--quiet", "--python", python, *pins, requirement)
        return python


@pytest.fixture(scope="module")
def environments(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environments:
    return Environments(wheel, tmp_path_factory.mktemp("environments"))


@contextlib.contextmanager
def started(python: Path, module: str, folder: Path, settings: dict[str, str]) -> Iterator[int]:
    """Runs a service with nothing but its environment; yields its gRPC port."""
    grpc_port, *others = free_ports(3)
    prefix = "WORKER_" if module.endswith("worker") else ""
    ports = {f"{prefix}GRPC_PORT": grpc_port, f"{prefix}METRICS_PORT": others[0], "HTTP_PORT": others[1]}
    told = {f"VITRINE_{name}": str(value) for name, value in (settings | ports).items()}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", module], cwd=folder, env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **told},
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield grpc_port
        assert process.poll() is None, (folder / "log").read_text()
    finally:
        process.terminate()
        process.wait(timeout=30)
    assert process.returncode == 0, (folder / "log").read_text()


def health(channel: grpc.Channel, *, serving_within_s: float) -> int:
    """Asks until the answer is SERVING, or the time is over; returns the last status."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    end = time.monotonic() + serving_within_s
    status: int = health_pb2.HealthCheckResponse.UNKNOWN
    while status != health_pb2.HealthCheckResponse.SERVING and time.monotonic() < end:
        with contextlib.suppress(grpc.RpcError):
            status = stub.Check(health_pb2.HealthCheckRequest(), timeout=2, wait_for_ready=True).status
        time.sleep(0.05)
    return status


def reflected(channel: grpc.Channel) -> set[str]:
    """The services that reflection lists."""
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=5)
    return {each.name for each in answer.list_services_response.service}


@pytest.mark.parametrize("module", PROCESSES)
def test_service_starts_alone_and_answers_health_and_reflection(
    module: str, environments: Environments, postgres: PostgresServer, models_dir: Path, tmp_path: Path
) -> None:
    extra = module.partition("_")[0]
    services = set() if module.endswith("worker") else {f"vitrine.{extra}.v1.{each}Service" for each in SERVICES[extra]}
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    settings = {
        "DATABASE_URL": postgres.new_database(), "MODELS_DIR": str(models_dir), "LOG_LEVEL": "warning",
        "OBJECTS_URL": f"file://{tmp_path}/objects", "INDEX_DIR": str(tmp_path / "index"),
        "VISION_TARGET": nobody, "RETRIEVAL_TARGET": nobody, "PROFILE_TARGET": nobody,
    }  # fmt: skip
    python = environments.python(extra)
    with (
        started(python, module, tmp_path, settings) as port,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        assert health(channel, serving_within_s=60) == health_pb2.HealthCheckResponse.SERVING
        listed = reflected(channel)
        assert listed == services | {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
        if services:
            assert refusal(channel, CALLS[extra]) == grpc.StatusCode.UNAUTHENTICATED  # no keys, no default secret
    site = next((python.parents[1] / "lib").glob("python*/site-packages"))
    assert not {path.name for path in site.iterdir()} & LEARNING


def refusal(channel: grpc.Channel, method: str) -> grpc.StatusCode:
    """Calls with an empty request and no token; returns the code of the error."""
    call: Any = channel.unary_unary(method)
    with pytest.raises(grpc.RpcError) as refused:
        call(b"", timeout=5)
    code: grpc.StatusCode = refused.value.code()
    return code


def test_edge_from_its_extra_renders_what_envoy_accepts(environments: Environments, tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(key_set([SigningKey.generate()]))
    command: list[str | Path] = [environments.python("edge"), "-m", "edge_proxy", "validate", "--jwks", "jwks.json"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_command_line_from_its_extra_helps(environments: Environments, tmp_path: Path) -> None:
    program = environments.python("client").with_name("vitrine")
    done = subprocess.run(
        [program, "--help"], cwd=tmp_path, env={"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"up", "stream", "capture", "search"} <= set(done.stdout.split())


@pytest.mark.parametrize("extra", EXTRAS)
def test_no_default_extra_asks_for_a_learning_library(extra: str) -> None:
    words = ("pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-header", "--no-annotate")
    resolved = run_uv(*words, "pyproject.toml", "--extra", extra, "-c", "requirements/demo.txt")
    names = {line.partition("==")[0] for line in resolved.splitlines()}
    assert "grpcio" in names
    assert not {name for name in names if name in LEARNING or name.startswith(("nvidia", "cuda"))}


def test_wheel_holds_what_runs_need_and_nothing_of_the_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "mesh", "imaging", "*_svc", "edge_proxy", "gen/python", "gen/client", "clients/python"],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    ).stdout.split()  # fmt: skip
    prefixes = ("gen/python/", "gen/client/", "clients/python/")
    plain = {next((path.removeprefix(each) for each in prefixes if path.startswith(each)), path) for path in tracked}
    wanted = {path for path in plain if not path.endswith(("Dockerfile", "README.md"))}
    assert wanted - names == set()
    assert {"edge_proxy/descriptors.binpb", "edge_proxy/vitrine.openapi.json", "edge_proxy/envoy.yaml.j2"} <= names
    assert any(name.startswith("ingest_svc/migrations/versions/") for name in names)
    assert any(name.endswith("weights/hand-made-1.npz") for name in names)
    assert any(name.endswith("weights/parser-1.safetensors") for name in names)
    assert any(name.endswith("weights/encoder-fashion-3.safetensors") for name in names)
    roots = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert roots == {
        "mesh", "imaging", "ingest_svc", "vision_svc", "retrieval_svc", "profile_svc", "edge_proxy",
        "vitrine", "vitrine_client", "buf",
    }  # fmt: skip
    assert "vitrine/__init__.py" not in names
