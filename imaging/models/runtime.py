"""Running a model file with LiteRT."""

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from imaging.errors import ModelError
from imaging.models.manifest import verified_path

FloatArray = npt.NDArray[np.float32]


class LiteRtModel:
    """A model in LiteRT with its tensors found by name, never by index.

    Safe for use from several threads: calls run one after the other. For parallel work load the model once per thread.

    Attributes:
        name: The model's name, for errors and metrics.
        input_shapes: Shape of each input by name.
        output_shapes: Shape of each output by name.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Loads a model file.

        Args:
            path: The `.tflite` file.
            threads: Threads of one inference; 1 is right where several requests share the cores.

        Raises:
            ModelError: The file cannot be loaded.
        """
        self.name = path.stem
        try:
            # The default resolver brings the XNNPACK delegate, which the selfie segmentation needs.
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(self.name, f"LiteRT cannot load {path}") from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._inputs = {detail["name"]: detail["index"] for detail in inputs}
        self._outputs = {detail["name"]: detail["index"] for detail in outputs}
        self.input_shapes = {detail["name"]: tuple(map(int, detail["shape"])) for detail in inputs}
        self.output_shapes = {detail["name"]: tuple(map(int, detail["shape"])) for detail in outputs}
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name: str, models_dir: Path, threads: int = 1) -> "LiteRtModel":
        """Loads a model of the manifest from the models folder, after checking its checksum.

        Raises:
            ModelError: The file is missing, damaged or cannot be loaded.
        """
        return cls(verified_path(name, models_dir), threads)

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Runs the model once.

        Args:
            inputs: Every input by name, float32, in the shape of `input_shapes`.

        Returns:
            Every output by name, float32, copies that the caller may keep.

        Raises:
            ValueError: An input is missing, unknown or of another shape.
        """
        if inputs.keys() != self._inputs.keys():
            raise ValueError(f"{self.name}: expected inputs {sorted(self._inputs)}, got {sorted(inputs)}")
        for name, array in inputs.items():
            if array.shape != self.input_shapes[name]:
                raise ValueError(f"{self.name}: expected {self.input_shapes[name]} for {name}, got {array.shape}")
        with self._lock:
            for name, array in inputs.items():
                self._interpreter.set_tensor(self._inputs[name], array)
            self._interpreter.invoke()
            return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}

    def run_image(self, image: FloatArray) -> dict[str, FloatArray]:
        """Runs a model that has one input on one picture, float32 `(H, W, 3)` in the model's own size and range."""
        (name,) = self._inputs
        return self.run({name: image[np.newaxis]})
