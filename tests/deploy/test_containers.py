"""The containers, as far as they run without Docker.

What the build stage of each image makes, told what image and compose file tell it, starts, and its health check agrees.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from vitrine.embedded.ports import free_ports
from vitrine.embedded.postgres import PostgresServer

from mesh.keys import SigningKey, key_set
from tests.deploy import dockerfile, elf
from tests.deploy.compose import SETTINGS, load
from tests.deploy.conftest import IMAGES, Images

pytestmark = pytest.mark.service

SERVICES: dict[str, dict[str, Any]] = load()["services"]
# Debian 12, that the images stand on: the version of its C library, and what else compiled code finds in its slim form.
GLIBC = (2, 36)
SYSTEM = {
    "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0",
    "libresolv.so.2", "librt.so.1", "libutil.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1",
}  # fmt: skip
# Plug-ins for other vendors' accelerators, which LiteRT opens only where it is told to.
NOT_OPENED = re.compile(r"ai_edge_litert/vendors/")


def package_of(name: str) -> str:
    """The package whose image a service of the compose file runs."""
    image = SERVICES[name]["image"]
    (path,) = (
        str(each["build"]["dockerfile"]) for each in SERVICES.values() if each["image"] == image and "build" in each
    )
    return Path(path).parent.name


@pytest.mark.parametrize("package", IMAGES)
def test_compiled_libraries_find_all_they_need_in_the_image(package: str, images: Images) -> None:
    (site,) = (images.root(package) / "opt/vitrine/lib").glob("python*/site-packages")
    files = [path for path in site.rglob("*") if path.is_file() and not NOT_OPENED.search(str(path))]
    there = SYSTEM | {path.name for path in files}
    missing = {(path.name, name) for path in files for name in elf.needed(path) if name not in there}
    assert not missing
    tags = re.findall(r"manylinux_(\d+)_(\d+)", "".join(path.read_text() for path in site.glob("*.dist-info/WHEEL")))
    assert tags
    assert max((int(major), int(minor)) for major, minor in tags) <= GLIBC


@contextlib.contextmanager
def container(root: Path, command: list[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command of an image and ends it as Docker does; it must not end before, and must end well then."""
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
        assert process.poll() is None, (root / "log").read_text()
    finally:
        process.terminate()
        process.wait(timeout=30)
    assert process.returncode == 0, (root / "log").read_text()


def told(name: str, root: Path, own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a container: its image's, compose's, and what differs on this machine."""
    image = dockerfile.read(IMAGES[package_of(name)])[-1].environment
    compose: dict[str, str] = SERVICES[name]["environment"]
    paths = {key: value.replace("/opt/", f"{root}/opt/") for key, value in image.items() if key != "PATH"}
    known = {f"VITRINE_{field}".upper() for field in SETTINGS[name].model_fields}
    ports = [key for key in (image | compose) if key.endswith("_PORT")]
    here = dict(zip(ports, map(str, free_ports(len(ports))), strict=True))
    everything = paths | compose | here | {k: v for k, v in own.items() if k in known}
    # A user without a home, behind a proxy that Docker was told of, as the worst of hosts has it.
    worst = {"HOME": f"{root}/nobody", "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    return worst | everything | {"PATH": f"{root}/opt/vitrine/bin:/usr/bin:/bin", "VITRINE_HOST": "127.0.0.1"}


def probed(command: list[str], environment: Mapping[str, str], root: Path) -> int:
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=30, check=False)
    return done.returncode


@pytest.mark.parametrize("name", SETTINGS)
def test_container_starts_and_its_health_check_says_so(
    name: str, images: Images, postgres: PostgresServer, tmp_path: Path
) -> None:
    root = images.root(package_of(name))
    key = SigningKey.generate()
    key.save(tmp_path / "service-key.pem")
    (tmp_path / "jwks.json").write_text(key_set([key]))
    environment = told(name, root, {
        "VITRINE_JWKS": str(tmp_path / "jwks.json"), "VITRINE_SERVICE_KEY_FILE": str(tmp_path / "service-key.pem"),
        "VITRINE_DATABASE_URL": postgres.new_database(), "VITRINE_OBJECTS_URL": f"file://{tmp_path}/objects",
        "VITRINE_INDEX_ENGINE": "edge", "VITRINE_INDEX_DIR": str(tmp_path / "index"), "VITRINE_DRAIN_DELAY_S": "0",
        "VITRINE_ADMIN_PORT": str(free_ports(1)[0]),
    })  # fmt: skip
    image = dockerfile.read(IMAGES[package_of(name)])[-1]
    command = SERVICES[name].get("command", image.command)
    probe = SERVICES[name].get("healthcheck", {}).get("test", ["CMD", *image.probe])[1:]
    before = {path for path in root.rglob("*") if path.name != "log"}
    assert probed(probe, environment, root) != 0
    with container(root, command, environment) as process:
        deadline = time.monotonic() + 60
        while probed(probe, environment, root) != 0:
            assert process.poll() is None, (root / "log").read_text()
            assert time.monotonic() < deadline, (root / "log").read_text()
            time.sleep(0.2)
    # In the container this would have failed: nothing can be written there but /tmp.
    assert {path for path in root.rglob("*") if path.name != "log"} == before
