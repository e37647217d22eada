"""The web client's toolchain for `make demo` and `make test`: Node comes as a wheel, its packages by the lock file.

`install` brings the packages, `build` makes `clients/web/dist` where its sources have changed since, `check` looks at
types and style, `test` runs the unit tests.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CLIENT = ROOT / "clients/web"
_LOCK = ROOT / "package-lock.json"
# What is installed, and what was built, as digests of what they were made from.
_INSTALLED = ROOT / "node_modules/.vitrine-installed"
_BUILT = ROOT / "build/web.sha256"
_MADE = {"dist", "node_modules"}
_NPM = ["npm", "ci", "--loglevel=error", "--no-fund", "--no-audit", "--prefer-offline"]
_PATIENCE = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"]
# Where the mesh can do without the dashboard, a registry that does not answer is given up soon.
_HASTE = ["--fetch-retries=0", "--fetch-timeout=10000"]


class ToolError(Exception):
    """A tool of Node failed.

    Attributes:
        words: What it said last.
    """

    def __init__(self, command: Sequence[str], said: str) -> None:
        """Says what failed."""
        self.words = "\n".join(said.strip().splitlines()[-20:])
        super().__init__(f"{' '.join(command)} failed")


def install(*, everything: bool, optional: bool = False) -> None:
    """Installs the packages of the lock file, where they are not there.

    Args:
        everything: Also those that only tests, lint and generation need.
        optional: Whether it can be done without, so that no registry is waited for.

    Raises:
        ToolError: npm cannot, for example because its registry does not answer.
    """
    wanted = f"{'all' if everything else 'build'} {_digest([_LOCK])}"
    there = _INSTALLED.read_text() if _INSTALLED.exists() else ""
    if there == wanted or there == f"all {_digest([_LOCK])}":
        return
    _run([*_NPM, *(_HASTE if optional else _PATIENCE), *([] if everything else ["--omit=dev"])], ROOT)
    _INSTALLED.write_text(wanted)


def build(*, optional: bool = False) -> bool:
    """Builds the dashboard, where its sources have changed since.

    Args:
        optional: Whether it can be done without.

    Returns:
        Whether there was something to do.

    Raises:
        ToolError: npm or Vite failed.
    """
    digest = _digest(sorted(_sources()))
    if (CLIENT / "dist/index.html").exists() and _BUILT.exists() and _BUILT.read_text() == digest:
        return False
    print("Building the dashboard ...", flush=True)
    install(everything=False, optional=optional)
    _run(["npm", "run", "--silent", "build"], CLIENT)
    _BUILT.parent.mkdir(exist_ok=True)
    _BUILT.write_text(digest)
    return True


def check() -> None:
    """Checks types and style.

    Raises:
        ToolError: Something is wrong.
    """
    install(everything=True)
    _run(["npm", "run", "--silent", "lint"], CLIENT)


def test() -> None:
    """Runs the unit tests.

    Raises:
        ToolError: One failed.
    """
    install(everything=True)
    _run(["npm", "run", "--silent", "test"], CLIENT)


def _sources() -> Iterator[Path]:
    """Gives every file that the built dashboard depends on."""
    yield _LOCK
    for folder in (CLIENT, ROOT / "gen/web"):
        for path in folder.rglob("*"):
            if path.is_file() and not _MADE & set(path.relative_to(folder).parts):
                yield path


def _digest(paths: Sequence[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        whole.update(f"{path.relative_to(ROOT)}\n".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _run(command: Sequence[str], folder: Path) -> None:
    """Runs a tool with our own Node first on the PATH; what it says is shown where it fails."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    try:
        run = subprocess.run(
            command, cwd=folder, env=environment, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ToolError(command, str(error)) from error
    if run.returncode != 0:
        raise ToolError(command, run.stdout)


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says.

    Args:
        arguments: The words after the program; those of the process by default.

    Returns:
        The exit code: 1 where a tool failed, unless that was allowed.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["install", "install-all", "build", "check", "test"])
    parser.add_argument("--optional", action="store_true", help="a failure is said, and is none")
    given = parser.parse_args(arguments)
    try:
        match given.verb:
            case "install" | "install-all":
                install(everything=given.verb == "install-all")
            case "build":
                if build(optional=given.optional):
                    print("The dashboard was built.")
            case "check":
                check()
            case "test":
                test()
    except ToolError as error:
        print(f"{error}:\n{error.words}", file=sys.stderr)
        if given.optional:
            print("The dashboard was not built; everything else goes on. `make web` tries again.", file=sys.stderr)
        return 0 if given.optional else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
