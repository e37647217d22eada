"""Networks that we trained, without the library that trained them: weights from a file, layers from our code.

A `Graph` is written down layer by layer, much as the network's `forward` is, and becomes an ONNX model in memory that
ONNX Runtime runs on one thread. Weights are those of a safetensors file (float16 there, float32 here), with batch
normalisation already folded into the convolutions (`vision_svc.training.folding`).

    graph = Graph(load_weights(path))
    values = graph.input("planes", 3, 96, 96)
    values = graph.relu(graph.conv(values, "stem", stride=2))
    graph.output(graph.l2_normalise(graph.gemm(graph.global_average(values), "head")), "vector", 128)
    net = OnnxNet(graph)
    vectors = net.run(planes=images)["vector"]
"""

import hashlib
import os
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from vision_svc.models.onnx_graph import FloatArray, Graph, Weights

# From its version 1.31 on, the runtime tells its makers of each use unless this is set before it is imported. It is no
# setting of ours: this service calls nobody.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # type: ignore[import-untyped]

__all__ = ["FloatArray", "Graph", "OnnxNet", "Weights", "load_weights", "sha256_of"]


def load_weights(path: Path) -> dict[str, FloatArray]:
    """Reads a safetensors file.

    Args:
        path: The file, float16 or float32.

    Returns:
        The arrays by name, float32.

    Raises:
        OSError: The file cannot be read.
        safetensors.SafetensorError: It is none, or damaged.
    """
    return {name: values.astype(np.float32) for name, values in load_file(path).items()}


def sha256_of(path: Path) -> str:
    """Returns the checksum of a file in hex, for a `ModelSpec`."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class OnnxNet:
    """A graph, ready to run on one thread of the CPU. Thread-safe."""

    def __init__(self, graph: Graph) -> None:
        """Optimises the graph and loads it.

        Args:
            graph: The network.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        content = graph.model().SerializeToString()
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, **inputs: FloatArray) -> dict[str, FloatArray]:
        """Runs the network.

        Args:
            inputs: Arrays by the names of the inputs, float32.

        Returns:
            Arrays by the names of the outputs, float32.
        """
        results = self._session.run(self._names, inputs)
        return dict(zip(self._names, results, strict=True))
