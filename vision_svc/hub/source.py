"""Where a hub model comes from, which version of it that is, and under which licence."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

UNKNOWN_LICENSE = "not stated; see the model's card"
UNREAD_LICENSE = "not known before it is loaded"
_CARD = "README.md"
# Every repository of transformers has it, and it is small: what says which commit a revision is.
_CONFIG = "config.json"
# What `from_pretrained` may read of a folder: weights, settings, words of tokenizers. Cards move no vector.
_READ = frozenset({".safetensors", ".bin", ".json", ".txt", ".model"})
_SHORT = 12


@dataclass(frozen=True)
class HubSource:
    """A hub id or a local folder.

    Attributes:
        location: What `from_pretrained` takes.
        revision: Branch, tag or commit of a hub id; empty for the default.
        device: `cpu`, `cuda` or `cuda:<n>`.
        version: Which one that is: 12 digits of the commit, or of the digest of a folder's files; empty until
            `resolved`.
        license: What the model's card states.
    """

    location: str
    revision: str = ""
    device: str = "cpu"
    version: str = ""
    license: str = UNREAD_LICENSE

    @property
    def is_folder(self) -> bool:
        """True where the location is a folder on this machine."""
        return Path(self.location).is_dir()

    @property
    def name(self) -> str:
        """The hub id, or `local/` and the folder's name."""
        return f"local/{Path(self.location).resolve().name}" if self.is_folder else self.location

    @property
    def model_id(self) -> str:
        """The id that answers carry: the name with its version, which tells one state of its weights from any other.

        Before it is resolved, and so where it could not be: with the revision that was asked for.
        """
        version = self.version or self.revision
        return f"{self.name}@{version}" if version else self.name

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

    def resolved(self) -> "HubSource":
        """Returns the same, fixed to one version, with its licence: reads a folder, asks the hub or what it left here.

        Indexes are kept by model id, so a branch that moves, or another folder of the same name, must not keep its id.

        Raises:
            ImportError: huggingface_hub is not installed; it comes with transformers.
            OSError: There is no such model, or no way to it.
            ValueError: The location is neither a folder nor can be a hub id.
        """
        if self.is_folder:
            folder = Path(self.location)
            return replace(self, version=digest(folder)[:_SHORT], license=_license(folder / _CARD))
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - only where the settings ask for it

        # A file of the hub's cache: <cache>/models--<name>/snapshots/<commit>/config.json
        commit = Path(hf_hub_download(self.location, _CONFIG, revision=self.revision or None)).parent.name
        return replace(self, revision=commit, version=commit[:_SHORT], license=self._stated(commit))

    def _stated(self, commit: str) -> str:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415
        from huggingface_hub.errors import EntryNotFoundError  # noqa: PLC0415

        try:
            return _license(Path(hf_hub_download(self.location, _CARD, revision=commit)))
        except (EntryNotFoundError, OSError):  # it has none, or the cache was filled without it
            return UNKNOWN_LICENSE


def digest(folder: Path) -> str:
    """Returns the SHA-256, hex, of the names and contents of all files of a folder that a model is read from."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _READ and path.is_file()):
        with path.open("rb") as file:
            total.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _license(card: Path) -> str:
    """Returns the licence in the head of a model card; where it is `other`, its name."""
    if not card.is_file():
        return UNKNOWN_LICENSE
    from huggingface_hub import ModelCard  # noqa: PLC0415 - only where the settings ask for it

    try:
        data = ModelCard(card.read_text(encoding="utf-8", errors="replace"), ignore_metadata_errors=True).data
    except Exception:  # noqa: BLE001 - whatever its reader finds wrong: a damaged card states nothing
        return UNKNOWN_LICENSE
    stated = data.get("license_name") if data.get("license") == "other" else None
    stated = stated or data.get("license") or UNKNOWN_LICENSE
    return ", ".join(map(str, stated)) if isinstance(stated, list) else str(stated)


def pooled(output: object) -> Any:  # noqa: ANN401 - a torch tensor; torch is not imported here
    """Returns the vectors of what `get_image_features` answers: a tensor up to transformers 4, an object from 5 on."""
    return getattr(output, "pooler_output", output)


def label_names(config_labels: Mapping[Any, Any]) -> dict[int, str]:
    """Returns `id2label` with whole numbers as keys, which JSON has turned into texts."""
    return {int(key): str(value) for key, value in config_labels.items()}
