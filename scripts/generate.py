"""Makes everything in `gen/` from `protos/`: `make generate`, or `--check` to only tell whether it is up to date.

buf runs the plugins of `buf.gen.yaml`; then come the parts that no plugin makes: the stubs of protovalidate's own
options, the OpenAPI document and the descriptor set with which Envoy transcodes JSON.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import openapi

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
WEB_BIN = ROOT / "node_modules/.bin"
_VALIDATE_TEMPLATE = """
version: v2
plugins:
  - {protoc_builtin: python, protoc_path: python-grpc-tools-protoc, out: gen/python}
  - {local: protoc-gen-mypy, out: gen/python, opt: [quiet]}
inputs:
  - directory: third_party/protovalidate
"""
# Browsers read the details of errors; nothing in the contract imports them.
_ERROR_DETAILS_TEMPLATE = """
version: v2
plugins:
  - {local: protoc-gen-es, out: gen/web, opt: [target=js+dts, import_extension=js]}
inputs:
  - directory: third_party/googleapis
    paths: [third_party/googleapis/google/rpc/error_details.proto]
"""
_WEB_PACKAGE = """{
  "name": "@vitrine/contract",
  "private": true,
  "version": "0.1.0",
  "type": "module",
  "description": "The contract of Vitrine for JavaScript and TypeScript. Generated; never edited.",
  "license": "Apache-2.0",
  "exports": { "./*": "./*" },
  "dependencies": { "@bufbuild/protobuf": "^2.17.0" }
}
"""


def _buf(*arguments: str) -> None:
    """Runs buf in the project's root with our plugins first on the PATH."""
    path = os.pathsep.join([str(BIN), str(ROOT / "scripts"), str(WEB_BIN), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path}
    run = subprocess.run(
        [str(BIN / "buf"), *arguments],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if run.returncode:
        sys.exit(run.stderr)


def _ensure_plugins() -> None:
    """Installs the TypeScript plugin when it is not there."""
    if (WEB_BIN / "protoc-gen-es").exists():
        return
    if subprocess.run([sys.executable, ROOT / "scripts/web.py", "install-all"], check=False).returncode:
        sys.exit("the packages of package-lock.json could not be installed")


def generate(out: Path) -> None:
    """Writes all generated files.

    Args:
        out: Folder that stands for the project's root; `gen/` is written below it.
    """
    _buf("generate", "--output", str(out))
    _buf("generate", "--output", str(out), "--template", _VALIDATE_TEMPLATE)
    _buf("generate", "--output", str(out), "--template", _ERROR_DETAILS_TEMPLATE)
    for stub in out.glob("gen/python/**/*_pb2_grpc.pyi"):  # made for every file, also where there is no service
        if not stub.with_suffix(".py").exists():
            stub.unlink()
    _buf(
        "build",
        ".",
        "--as-file-descriptor-set",
        "--exclude-source-info",
        "-o",
        f"{out}/gen/descriptors.binpb",
    )
    (out / "gen/web/package.json").write_text(_WEB_PACKAGE)
    with tempfile.NamedTemporaryFile(suffix=".binpb") as with_comments:
        _buf("build", ".", "--as-file-descriptor-set", "-o", with_comments.name)
        document = openapi.render(Path(with_comments.name).read_bytes(), out / "gen/python")
    target = out / "gen/openapi/vitrine.openapi.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(document)


def _files(root: Path) -> set[str]:
    return {
        path.relative_to(root).as_posix()
        for path in root.glob("gen/**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _stale(out: Path) -> list[str]:
    """Returns the files below `gen/` that differ between the tree and a fresh generation."""
    fresh, committed = _files(out), _files(ROOT)
    both = fresh & committed
    return sorted(
        (fresh ^ committed) | {name for name in both if not filecmp.cmp(out / name, ROOT / name, shallow=False)}
    )


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when gen/ is not up to date")
    check = parser.parse_args().check
    _ensure_plugins()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        generate(out)
        if check:
            if stale := _stale(out):
                sys.exit("gen/ is not up to date (run `make generate`):\n  " + "\n  ".join(stale))
            return
        for name in _files(ROOT) - _files(out):
            (ROOT / name).unlink()
        for name in sorted(_files(out)):
            target = ROOT / name
            if target.exists() and filecmp.cmp(out / name, target, shallow=False):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(out / name, target)


if __name__ == "__main__":
    main()
