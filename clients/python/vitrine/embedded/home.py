"""The folder that holds everything of a mesh on one machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "VITRINE_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """Where things are. Everything below `path` belongs to one mesh and can be deleted as a whole.

    Attributes:
        path: The folder, absolute.
    """

    path: Path

    @classmethod
    def find(cls, path: Path | None = None) -> Home:
        """Gives the given folder, that of `VITRINE_HOME`, or `.vitrine` in the working directory.

        Args:
            path: The folder; None to look.
        """
        return cls((path or Path(os.environ.get(HOME_VARIABLE) or ".vitrine")).absolute())

    def make(self) -> Home:
        """Creates the folders; only their owner may look in.

        The account that runs PostgreSQL for root may walk through to its own folder, and see nothing on its way.
        """
        for folder in (self.path, self.keys, self.logs, self.objects, self.index):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o711)
        return self

    @property
    def keys(self) -> Path:
        """Keys and the key set."""
        return self.path / "keys"

    @property
    def logs(self) -> Path:
        """A log file for each process."""
        return self.path / "logs"

    @property
    def objects(self) -> Path:
        """The object store."""
        return self.path / "objects"

    @property
    def index(self) -> Path:
        """Vector indexes; they can be lost."""
        return self.path / "index"

    @property
    def postgres(self) -> Path:
        """The wished folder of PostgreSQL (see `vitrine.embedded.account`)."""
        return self.path / "postgres"

    @property
    def state(self) -> Path:
        """The state file."""
        return self.path / "state.json"

    @property
    def envoy(self) -> Path:
        """Envoy's bootstrap."""
        return self.path / "envoy.yaml"
