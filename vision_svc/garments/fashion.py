"""`fashion/3`: the fashion encoder that we trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vision_svc.garments import fashion_space as space
from vision_svc.garments.descriptor import color_block, gradient_block, letterboxed, texture_block
from vision_svc.garments.fashion_input import SIDE_PX, FashionInput, fashion_input
from vision_svc.garments.thumbnail import GarmentView, thumbnail
from vision_svc.models.contract import Model, ModelSpec, Task
from vision_svc.models.onnx_net import Graph, OnnxNet, Weights, load_weights, sha256_of

FloatArray = npt.NDArray[np.float32]

FASHION = "fashion/3"
WEIGHTS_FILE = Path(__file__).parent / "weights" / "encoder-fashion-3.safetensors"
SPEC = ModelSpec(
    task=Task.GARMENT_EMBED,
    model=FASHION,
    backend="onnxruntime",
    license="Apache-2.0",
    source="vitrine",
    description="A small residual network for kind, pattern and look, joined with the garment's colours and texture.",
    dimension=space.DIMENSION,
    sha256=sha256_of(WEIGHTS_FILE) if WEIGHTS_FILE.exists() else "",
)


@dataclass(frozen=True)
class FashionTensors:
    """A batch, measured: planes `(N, 4, 96, 96)` for the network, and descriptors `(N, size)` by block."""

    planes: FloatArray
    descriptors: dict[str, space.Vector]


class FashionEmbedder(Model[GarmentView, FashionTensors, FloatArray, FloatArray]):
    """`fashion/3`: vectors of garments. Deterministic; safe for use from several threads."""

    spec = SPEC

    def __init__(self, weights: Path = WEIGHTS_FILE) -> None:
        """Reads the weights and builds the network.

        Raises:
            OSError: The file cannot be read.
            safetensors.SafetensorError: It is damaged.
            ValueError: It does not hold what it should.
        """
        arrays = load_weights(weights)
        self._space = space.space_of(arrays)
        self._net = OnnxNet(network(arrays))

    def pre_process(self, inputs: Sequence[GarmentView]) -> FashionTensors:
        """Cuts garments out and measures what needs no network."""
        prepared = [fashion_input(view) for view in inputs]
        described = [describe(one) for one in prepared]
        descriptors = {name: np.stack([one[name] for one in described]) for name in described[0]}
        return FashionTensors(np.stack([one.planes for one in prepared]), descriptors)

    def forward(self, tensors: FashionTensors) -> FloatArray:
        """Makes the vectors of a batch: float32 `(N, DIMENSION)`, length 1."""
        said = self._net.run(planes=tensors.planes)
        chances = {"kind": said["kinds"], "pattern": said["patterns"]}
        blocks = {name: np.sqrt(values.astype(np.float64)) for name, values in chances.items()}
        measured = {"look": said["feature"]} | tensors.descriptors
        blocks |= {name: self._space.block(name, values) for name, values in measured.items()}
        return space.join(blocks)

    def post_process(self, raw: FloatArray, inputs: Sequence[GarmentView]) -> list[FloatArray]:
        """Gives each garment its row."""
        return list(raw[: len(inputs)])


def network(arrays: Weights) -> Graph:
    """Writes the network down; as `vision_svc.training.encoder_net.EncoderNet`, with normalisations folded."""
    graph = Graph(arrays)
    values = graph.input("planes", 4, SIDE_PX, SIDE_PX)
    values = graph.relu(graph.conv(values, "stem1", stride=2))
    values = graph.relu(graph.conv(values, "stem2"))
    index = 0
    while f"blocks.{index}.conv1.weight" in arrays:
        values = _block(graph, values, f"blocks.{index}", shortcut=f"blocks.{index}.shortcut.0.weight" in arrays)
        index += 1
    feature = graph.global_average(values)
    graph.output(feature, "feature")
    for head, warmth in (("kinds", space.KIND_TEMPERATURE), ("patterns", space.PATTERN_TEMPERATURE)):
        graph.output(graph.softmax(graph.scale(graph.gemm(feature, head), 1 / warmth)), head)
    return graph


def _block(graph: Graph, values: str, name: str, *, shortcut: bool) -> str:
    stride = 2 if shortcut else 1
    middle = graph.relu(graph.conv(values, f"{name}.conv1", stride=stride))
    beside = graph.conv(values, f"{name}.shortcut.0", stride=stride) if shortcut else values
    return graph.relu(graph.add(graph.conv(middle, f"{name}.conv2"), beside))


def describe(prepared: FashionInput) -> dict[str, space.Vector]:
    """Measures a garment without the network: by block of the space, raw descriptors `(size,)`."""
    thumb = thumbnail(prepared.texture)
    return {
        "color": color_block(prepared.lab),
        "texture": texture_block(thumb),
        "gradient": gradient_block(*letterboxed(thumb)),
    }
