"""Where a hub model comes from, and what can be told of it without loading it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LICENSE_LINE = re.compile(r"^license:\s*[\"']?([A-Za-z0-9.\-_ ]+?)[\"']?\s*$", re.MULTILINE)
UNKNOWN_LICENSE = "not stated; see the model's card"


@dataclass(frozen=True)
class HubSource:
    """A hub id or a local folder.

    Attributes:
        location: What `from_pretrained` takes.
        revision: Branch, tag or commit of a hub id; empty for the default.
        device: `cpu`, `cuda` or `cuda:<n>`.
    """

    location: str
    revision: str = ""
    device: str = "cpu"

    @property
    def is_folder(self) -> bool:
        """True where the location is a folder on this machine."""
        return Path(self.location).is_dir()

    @property
    def model_id(self) -> str:
        """The id that answers carry: the hub id with its revision, or `local/` and the folder's name."""
        if self.is_folder:
            return f"local/{Path(self.location).resolve().name}"
        return f"{self.location}@{self.revision}" if self.revision else self.location

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for `from_pretrained`; a folder never asks the network, no model brings code along."""
        shared: dict[str, Any] = {"local_files_only": self.is_folder, "trust_remote_code": False}
        return shared | ({"revision": self.revision} if self.revision else {})

    @property
    def model_options(self) -> dict[str, Any]:
        """Keyword arguments for `from_pretrained` of a network.

        On a CPU numbers are float32 however they are stored: half precision is slow there, and not all of it is there.
        On a GPU they stay as they are stored.
        """
        return self.options | {"dtype": "float32" if self.device == "cpu" else "auto"}

    def license(self) -> str:
        """Returns the licence that the folder's model card states, as far as one can tell without the network."""
        card = Path(self.location) / "README.md"
        if not self.is_folder or not card.is_file():
            return UNKNOWN_LICENSE
        found = _LICENSE_LINE.search(card.read_text(encoding="utf-8", errors="replace")[:4000])
        return found.group(1) if found else UNKNOWN_LICENSE


def pooled(output: object) -> Any:  # noqa: ANN401 - a torch tensor; torch is not imported here
    """Returns the vectors of what `get_image_features` answers: a tensor up to transformers 4, an object from 5 on."""
    return getattr(output, "pooler_output", output)


def label_names(config_labels: Mapping[Any, Any]) -> dict[int, str]:
    """Returns `id2label` with whole numbers as keys, which JSON has turned into texts."""
    return {int(key): str(value) for key, value in config_labels.items()}
