"""Models of the manifest, run by LiteRT, with their times told."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from imaging.models.manifest import MEDIAPIPE_VERSION, find, verified_path
from imaging.models.runtime import LiteRtModel
from vision_svc.models.contract import ModelSpec, Task
from vision_svc.models.latency import LatencyRecorder

FloatArray = npt.NDArray[np.float32]


def litert_spec(task: Task, name: str, description: str) -> ModelSpec:
    """Tells what the manifest knows of a model.

    Args:
        task: What it does.
        name: Its name in the manifest.
        description: What it is, one sentence.
    """
    file = find(name)
    return ModelSpec(
        task=task,
        model=f"mediapipe/{name}@{MEDIAPIPE_VERSION}",
        backend="litert",
        license=file.licence,
        source=file.source,
        description=description,
        version=MEDIAPIPE_VERSION,
        sha256=file.sha256,
    )


class TimedModel(LiteRtModel):
    """A LiteRT model that tells how long each run took."""

    def __init__(self, spec: ModelSpec, name: str, models_dir: Path, latency: LatencyRecorder) -> None:
        """Loads a model of the manifest, after checking its checksum.

        Raises:
            imaging.errors.ModelError: The file is missing, damaged or cannot be loaded.
        """
        super().__init__(verified_path(name, models_dir))
        self.spec, self._latency = spec, latency

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Runs the model once; see `LiteRtModel.run`."""
        with self._latency.measure(self.spec.task, self.spec.model):
            return super().run(inputs)
