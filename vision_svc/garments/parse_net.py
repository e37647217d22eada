"""The trained parser's network, as it runs: from planes to a probability of each label for each second pixel.

It is the network of `vision_svc.training.parser_net`, written down for ONNX Runtime.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vision_svc.garments.parse_input import CHANNELS, HEIGHT_PX, WIDTH_PX, ZONE_FLOOR, ZONES
from vision_svc.garments.parse_labels import LABELS, PRESENCE
from vision_svc.models.onnx_net import Graph, OnnxNet, Weights, load_weights, sha256_of
from vision_svc.people.types import FloatArray

WEIGHTS_FILE = Path(__file__).parent / "weights" / "parser-1.safetensors"
MAP_PX = HEIGHT_PX // 2, WIDTH_PX // 2
_DILATIONS = (1, 2, 3)
_DEEPEST = 16  # pixels a cell of the deepest layer


class ParseNet:
    """The network with its weights. Thread-safe.

    Attributes:
        sha256: Checksum of the file of its weights, hex; empty where they come from elsewhere.
    """

    def __init__(self, weights: Weights, sha256: str = "") -> None:
        """Builds it.

        Args:
            weights: Arrays as `vision_svc.training.parser` writes them.
            sha256: Checksum of their file.
        """
        self._net, self.sha256 = OnnxNet(_graph(weights)), sha256

    @classmethod
    def load(cls, path: Path = WEIGHTS_FILE) -> "ParseNet":
        """Loads the weights that are shipped.

        Raises:
            OSError: The file cannot be read.
        """
        return cls(load_weights(path), sha256_of(path))

    def run(self, planes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Labels people.

        Args:
            planes: float32 `(N, CHANNELS, HEIGHT_PX, WIDTH_PX)`.

        Returns:
            Probabilities of the labels, float32 `(N, len(LABELS), *MAP_PX)`, sum 1 along the labels; and probabilities
            that things are there, float32 `(N, len(PRESENCE))`.
        """
        found = self._net.run(planes=np.ascontiguousarray(planes, np.float32))
        return found["labels"], found["presence"]


def _graph(weights: Weights) -> Graph:
    graph = Graph(weights)
    planes = graph.input("planes", CHANNELS, HEIGHT_PX, WIDTH_PX)
    first = graph.relu(graph.conv(planes, "stem.0", stride=2))
    second = _stage(graph, first, "stage2", (1, 1))
    third = _stage(graph, second, "stage3", (1, 1))
    deep, presence = _context(graph, _stage(graph, third, "stage4", _DILATIONS), planes)
    deep = _block(graph, _join(graph, deep, third, "up3"), "up3.refine", 1)
    deep = _block(graph, _join(graph, deep, second, "up2"), "up2.refine", 1)
    deep = graph.relu(graph.conv(_join(graph, deep, first, "up1"), "up1.refine.0"))
    graph.output(graph.softmax(graph.conv(deep, "labels")), "labels", len(LABELS), *MAP_PX)
    graph.output(graph.sigmoid(presence), "presence", len(PRESENCE))
    return graph


def _stage(graph: Graph, value: str, name: str, dilations: Sequence[int]) -> str:
    value = graph.relu(graph.conv(value, f"{name}.0.0", stride=2))
    for index, dilation in enumerate(dilations):
        value = _block(graph, value, f"{name}.{index + 1}", dilation)
    return value


def _block(graph: Graph, value: str, name: str, dilation: int) -> str:
    inner = graph.relu(graph.conv(value, f"{name}.first.0", dilation=dilation))
    return graph.relu(graph.add(value, graph.conv(inner, f"{name}.second.0", dilation=dilation)))


def _context(graph: Graph, value: str, planes: str) -> tuple[str, str]:
    zones = graph.cells(graph.average_pool(graph.take(planes, ZONES), _DEEPEST))
    shares = graph.div(zones, graph.add_number(graph.sum(zones, axis=2), ZONE_FLOOR))
    worn = graph.flatten(graph.matmul(shares, graph.transpose(graph.cells(value))))
    pooled = graph.concat(graph.global_average(value), graph.global_max(value), worn)
    whole = graph.relu(graph.gemm(pooled, "context.squeeze"))
    spread = graph.as_picture(graph.gemm(whole, "context.spread"))
    return graph.relu(graph.add(value, spread)), graph.gemm(whole, "context.presence")


def _join(graph: Graph, deep: str, side: str, name: str) -> str:
    grown = graph.resize(graph.conv(deep, f"{name}.reduce.0"), 2.0)
    return graph.relu(graph.add(grown, graph.conv(side, f"{name}.side.0")))
