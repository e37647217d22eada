"""What the build stages of the images make, each carried out once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy import dockerfile

# The packages that have an image, and its Dockerfile.
IMAGES = {path.parent.name: path for path in dockerfile.DOCKERFILES}


class Images:
    """Folders that stand for the file systems of our images."""

    def __init__(self, folder: Path, models_dir: Path) -> None:
        self._folder, self._models_dir = folder, models_dir

    def root(self, package: str) -> Path:
        """What stands for `/` in the image of a package; its build stage is carried out when it is first asked for."""
        root = self._folder / package
        if not root.exists():
            first, last = dockerfile.read(IMAGES[package])
            (root / "opt").mkdir(parents=True)
            if "/opt/models" in "\n".join(last.all("COPY")):
                (root / "opt/models").symlink_to(self._models_dir)  # the download is left out, its checksums are not
            dockerfile.build(first, root)
        return root


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Images:
    return Images(tmp_path_factory.mktemp("images"), models_dir)
