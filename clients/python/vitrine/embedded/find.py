"""Finding what set-up and builds have put beside the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from imaging.models.fetch import missing


def find_models_dir() -> Path | None:
    """Finds the model files that set-up has put beside the code or into the working directory; None without any."""
    code = importlib.util.find_spec("imaging")
    beside = [Path(code.origin).parent.parent] if code and code.origin else []
    for folder in (*beside, Path.cwd()):
        if (folder / "models").is_dir() and not missing(folder / "models"):
            return folder / "models"
    return None


def find_dashboard() -> Path | None:
    """Finds the built dashboard beside the code; None when there is none."""
    spec = importlib.util.find_spec("edge_proxy")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    candidates = (package / "dashboard", package.parent / "clients/web/dist")
    return next((folder for folder in candidates if (folder / "index.html").exists()), None)
