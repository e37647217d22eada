"""Writing a network down layer by layer, as an ONNX model in memory."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

FloatArray = npt.NDArray[np.float32]
Weights = Mapping[str, FloatArray]

# Old enough for every ONNX Runtime that is around, new enough for all that is used here.
_OPSET, _IR_VERSION = 17, 9
_BATCH = "batch"
_TINY = 1e-12


class Graph:
    """A network, written down layer by layer; each method returns the name of what the layer gives.

    Layers with weights take the name that these have in the file, without `.weight` and `.bias`; the bias may be
    missing. All arrays are float32, pictures `(N, C, H, W)`, vectors `(N, C)`; any N.
    """

    def __init__(self, weights: Weights) -> None:
        """Starts an empty graph.

        Args:
            weights: Arrays by name, as PyTorch lays them out.
        """
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, *shape: int | str) -> str:
        """Declares an input; `shape` is without N, and a word in it stands for any number."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [_BATCH, *shape]))
        return name

    def output(self, value: str, name: str, *shape: int | str) -> None:
        """Declares an output; `shape` as for inputs."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [_BATCH, *shape]))

    def conv(self, value: str, layer: str, *, stride: int = 1, dilation: int = 1, groups: int = 1) -> str:
        """Convolves; the padding keeps the size at stride 1."""
        rows, columns = self._weights[f"{layer}.weight"].shape[2:]
        pad_y, pad_x = dilation * (rows // 2), dilation * (columns // 2)
        return self._add(
            "Conv", [value, *self._layer(layer)], kernel_shape=[rows, columns], strides=[stride, stride],
            dilations=[dilation, dilation], group=groups, pads=[pad_y, pad_x, pad_y, pad_x],
        )  # fmt: skip

    def gemm(self, vectors: str, layer: str) -> str:
        """Applies a linear layer, weights `(out, in)`, to vectors."""
        return self._add("Gemm", [vectors, *self._layer(layer)], transB=1)

    def relu(self, value: str) -> str:
        """max(x, 0)."""
        return self._add("Relu", [value])

    def hard_swish(self, value: str) -> str:
        """X times min(max(x / 6 + 1 / 2, 0), 1)."""
        return self._add("HardSwish", [value])

    def hard_sigmoid(self, value: str) -> str:
        """min(max(x / 6 + 1 / 2, 0), 1)."""
        return self._add("HardSigmoid", [value], alpha=1 / 6, beta=0.5)

    def sigmoid(self, value: str) -> str:
        """1 / (1 + exp(-x))."""
        return self._add("Sigmoid", [value])

    def softmax(self, value: str, axis: int = 1) -> str:
        """Makes shares that sum to 1 along an axis."""
        return self._add("Softmax", [value], axis=axis)

    def add(self, first: str, second: str) -> str:
        """Adds; sizes of 1 are stretched."""
        return self._add("Add", [first, second])

    def mul(self, first: str, second: str) -> str:
        """Multiplies; sizes of 1 are stretched."""
        return self._add("Mul", [first, second])

    def scale(self, value: str, factor: float) -> str:
        """Multiplies by a number."""
        return self._add("Mul", [value, self._constant(np.array(factor, np.float32))])

    def div(self, first: str, second: str) -> str:
        """Divides; sizes of 1 are stretched."""
        return self._add("Div", [first, second])

    def add_number(self, value: str, number: float) -> str:
        """Adds a number."""
        return self._add("Add", [value, self._constant(np.array(number, np.float32))])

    def sum(self, value: str, axis: int) -> str:
        """Sums along an axis, which stays with size 1."""
        return self._add("ReduceSum", [value, self._constant(np.array([axis], np.int64))], keepdims=1)

    def matmul(self, first: str, second: str) -> str:
        """Multiplies matrices, `(N, A, B)` with `(N, B, C)`."""
        return self._add("MatMul", [first, second])

    def transpose(self, matrices: str) -> str:
        """Swaps rows and columns of matrices, `(N, A, B)`."""
        return self._add("Transpose", [matrices], perm=[0, 2, 1])

    def take(self, value: str, channels: Sequence[int]) -> str:
        """Takes some of the channels, in that order."""
        return self._add("Gather", [value, self._constant(np.array(channels, np.int64))], axis=1)

    def cells(self, value: str) -> str:
        """Makes matrices of pictures: `(N, C, H, W)` to `(N, C, H W)`."""
        return self._add("Reshape", [value, self._constant(np.array([0, 0, -1], np.int64))])

    def concat(self, *values: str, axis: int = 1) -> str:
        """Joins along an axis."""
        return self._add("Concat", list(values), axis=axis)

    def max_pool(self, value: str, kernel: int, *, stride: int | None = None, pad: int = 0) -> str:
        """Takes the largest of each window; the stride is the window's side unless given."""
        return self._pool("MaxPool", value, kernel, stride, pad)

    def average_pool(self, value: str, kernel: int, *, stride: int | None = None, pad: int = 0) -> str:
        """Takes the mean of each window; padding counts as zeros."""
        return self._pool("AveragePool", value, kernel, stride, pad, count_include_pad=1)

    def global_average(self, value: str) -> str:
        """Takes the mean over the picture: vectors."""
        return self.flatten(self._add("GlobalAveragePool", [value]))

    def global_max(self, value: str) -> str:
        """Takes the largest over the picture: vectors."""
        return self.flatten(self._add("GlobalMaxPool", [value]))

    def flatten(self, value: str) -> str:
        """Makes vectors of pictures."""
        return self._add("Flatten", [value], axis=1)

    def as_picture(self, vectors: str) -> str:
        """Makes pictures of 1 x 1 of vectors, to be stretched over others."""
        return self._add("Unsqueeze", [vectors, self._constant(np.array([2, 3], np.int64))])

    def resize(self, value: str, factor: float) -> str:
        """Scales bilinearly, as PyTorch does without aligned corners."""
        scales = self._constant(np.array([1, 1, factor, factor], np.float32))
        return self._add("Resize", [value, "", scales], mode="linear", coordinate_transformation_mode="half_pixel")

    def l2_normalise(self, vectors: str) -> str:
        """Scales vectors to Euclidean length 1."""
        length = self._add("ReduceL2", [vectors], axes=[1], keepdims=1)
        safe = self._add("Max", [length, self._constant(np.array(_TINY, np.float32))])
        return self._add("Div", [vectors, safe])

    def model(self) -> onnx.ModelProto:
        """Returns the whole as an ONNX model, checked.

        Raises:
            onnx.checker.ValidationError: The graph is not valid.
        """
        graph = helper.make_graph(self._nodes, "net", self._inputs, self._outputs, list(self._constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        return model

    def _pool(self, kind: str, value: str, kernel: int, stride: int | None, pad: int, **options: int) -> str:
        step = stride or kernel
        return self._add(
            kind, [value], kernel_shape=[kernel, kernel], strides=[step, step], pads=[pad, pad, pad, pad], **options
        )

    def _layer(self, layer: str) -> list[str]:
        names = [name for name in (f"{layer}.weight", f"{layer}.bias") if name in self._weights]
        if not names or not names[0].endswith(".weight"):
            raise KeyError(f"{layer}.weight: no such array among the weights")
        for name in names:
            self._constants.setdefault(name, _tensor(self._weights[name], name))
        return names

    def _constant(self, values: npt.NDArray[np.float32] | npt.NDArray[np.int64]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(values, name)
        return name

    def _add(self, kind: str, inputs: Sequence[str], **options: Any) -> str:  # noqa: ANN401 - whatever the operator takes
        result = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [result], **options))
        return result


def _tensor(values: FloatArray, name: str) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
