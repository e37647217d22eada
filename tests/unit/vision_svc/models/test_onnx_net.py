"""The graph builder gives what PyTorch gives, layer by layer and folded."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from vision_svc.models.onnx_net import Graph, OnnxNet, load_weights, sha256_of
from vision_svc.training import folding

pytestmark = pytest.mark.unit
FloatArray = npt.NDArray[np.float32]

SHAPE = (4, 12, 10)
Build = Callable[[Graph, str], str]


def picture(batch: int = 2, *, shape: tuple[int, ...] = SHAPE) -> FloatArray:
    return np.random.default_rng(7).normal(size=(batch, *shape)).astype(np.float32)


def run(
    build: Build, values: FloatArray, shape: tuple[int, ...], weights: dict[str, FloatArray] | None = None
) -> FloatArray:
    graph = Graph(weights or {})
    graph.output(build(graph, graph.input("x", *values.shape[1:])), "y", *shape)
    return OnnxNet(graph).run(x=values)["y"]


LAYERS: dict[str, tuple[Build, Callable[[Tensor], Tensor]]] = {
    "relu": (lambda graph, x: graph.relu(x), functional.relu),
    "hard_swish": (lambda graph, x: graph.hard_swish(x), functional.hardswish),
    "hard_sigmoid": (lambda graph, x: graph.hard_sigmoid(x), functional.hardsigmoid),
    "sigmoid": (lambda graph, x: graph.sigmoid(x), torch.sigmoid),
    "softmax": (lambda graph, x: graph.softmax(x), lambda x: x.softmax(dim=1)),
    "add": (lambda graph, x: graph.add(x, graph.relu(x)), lambda x: x + x.relu()),
    "mul": (lambda graph, x: graph.mul(x, graph.sigmoid(x)), lambda x: x * x.sigmoid()),
    "scale": (lambda graph, x: graph.scale(x, -0.3), lambda x: -0.3 * x),
    "concat": (lambda graph, x: graph.concat(x, graph.relu(x)), lambda x: torch.cat([x, x.relu()], dim=1)),
    "div": (lambda graph, x: graph.div(x, graph.add_number(graph.relu(x), 1)), lambda x: x / (x.relu() + 1)),
    "sum": (lambda graph, x: graph.sum(x, axis=2), lambda x: x.sum(dim=2, keepdim=True)),
    "take": (lambda graph, x: graph.take(x, (2, 0)), lambda x: x[:, [2, 0]]),
    "cells_matmul_transpose": (
        lambda graph, x: graph.matmul(graph.cells(x), graph.transpose(graph.cells(graph.relu(x)))),
        lambda x: x.flatten(2) @ x.relu().flatten(2).transpose(1, 2),
    ),
    "max_pool": (lambda graph, x: graph.max_pool(x, 2), lambda x: functional.max_pool2d(x, 2)),
    "max_pool_overlapping": (
        lambda graph, x: graph.max_pool(x, 3, stride=2, pad=1),
        lambda x: functional.max_pool2d(x, 3, 2, 1),
    ),
    "average_pool_padded": (
        lambda graph, x: graph.average_pool(x, 3, stride=1, pad=1),
        lambda x: functional.avg_pool2d(x, 3, 1, 1),
    ),
    "global_average": (lambda graph, x: graph.global_average(x), lambda x: x.mean(dim=(2, 3))),
    "global_max": (lambda graph, x: graph.global_max(x), lambda x: x.amax(dim=(2, 3))),
    "as_picture": (
        lambda graph, x: graph.mul(x, graph.as_picture(graph.global_max(x))),
        lambda x: x * x.amax(dim=(2, 3), keepdim=True),
    ),
    "resize_up": (
        lambda graph, x: graph.resize(x, 2.0),
        lambda x: functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False),
    ),
    "l2_normalise": (
        lambda graph, x: graph.l2_normalise(graph.global_average(x)),
        lambda x: functional.normalize(x.mean(dim=(2, 3)), dim=1),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_without_weights_gives_what_torch_gives(name: str) -> None:
    build, reference = LAYERS[name]
    expected = reference(torch.from_numpy(picture())).numpy()
    np.testing.assert_allclose(run(build, picture(), expected.shape[1:]), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("out", "kernel", "stride", "dilation", "groups"),
    [(6, 3, 1, 1, 1), (6, 5, 2, 1, 1), (6, 3, 1, 3, 1), (8, 3, 2, 1, 4), (4, 3, 1, 2, 4), (3, 1, 1, 1, 1)],
    ids=["plain", "stride", "dilation", "groups", "depthwise", "pointwise"],
)
def test_conv_gives_what_torch_gives(out: int, kernel: int, stride: int, dilation: int, groups: int) -> None:
    torch.manual_seed(1)
    conv = nn.Conv2d(SHAPE[0], out, kernel, stride, dilation * (kernel // 2), dilation, groups)
    weights = {f"c.{name}": values.detach().numpy() for name, values in conv.named_parameters()}
    expected = conv(torch.from_numpy(picture())).detach().numpy()
    found = run(
        lambda graph, x: graph.conv(x, "c", stride=stride, dilation=dilation, groups=groups),
        picture(), expected.shape[1:], weights,
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_gemm_without_bias_gives_what_torch_gives() -> None:
    weight = picture(5, shape=SHAPE[:1])
    found = run(lambda graph, x: graph.gemm(graph.global_average(x), "g"), picture(), (5,), {"g.weight": weight})
    np.testing.assert_allclose(found, picture().mean(axis=(2, 3)) @ weight.T, atol=1e-5)


def test_l2_normalise_of_zeros_is_zeros() -> None:
    zeros = np.zeros((1, *SHAPE), np.float32)
    found = run(lambda graph, x: graph.l2_normalise(graph.global_average(x)), zeros, (4,))
    assert np.array_equal(found, np.zeros((1, 4), np.float32))


def test_unknown_layer_is_named() -> None:
    with pytest.raises(KeyError, match=r"stem\.weight"):
        run(lambda graph, x: graph.conv(x, "stem"), picture(), SHAPE)


def test_batch_can_have_any_size() -> None:
    graph = Graph({})
    graph.output(graph.relu(graph.input("x", *SHAPE)), "y", *SHAPE)
    net = OnnxNet(graph)
    assert [len(net.run(x=picture(count))["y"]) for count in (1, 3)] == [1, 3]


def test_model_passes_the_checker_and_names_its_outputs() -> None:
    graph = Graph({})
    x = graph.input("x", *SHAPE)
    graph.output(graph.relu(x), "first", *SHAPE)
    graph.output(graph.global_max(x), "second", SHAPE[0])
    onnx.checker.check_model(graph.model(), full_check=True)
    assert set(OnnxNet(graph).run(x=picture())) == {"first", "second"}


def test_the_runtime_tells_nobody_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "from vision_svc.models.onnx_net import Graph, OnnxNet; g = Graph({}); g.output(g.input('x', 1), 'y', 1); "
        "OnnxNet(g)"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-B", "-c", code], env=environment, check=True, cwd=tmp_path, timeout=60)
    assert list(tmp_path.iterdir()) == []


class Residual(nn.Module):
    """A net as ours are: normalised convolutions, a short cut, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(4, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1), nn.BatchNorm2d(8))
        self.head = nn.Linear(8, 5)

    def forward(self, values: Tensor) -> Tensor:
        first = self.stem(values)
        pooled = functional.relu(first + self.block(first)).mean(dim=(2, 3))
        return functional.normalize(self.head(pooled), dim=1)


def residual_graph(weights: dict[str, FloatArray]) -> Graph:
    graph = Graph(weights)
    first = graph.relu(graph.conv(graph.input("x", *SHAPE), "stem.0", stride=2))
    pooled = graph.global_average(graph.relu(graph.add(first, graph.conv(first, "block.0"))))
    graph.output(graph.l2_normalise(graph.gemm(pooled, "head")), "y", 5)
    return graph


def trained() -> Residual:
    torch.manual_seed(2)
    net = Residual()
    with torch.no_grad():
        for norm in (net.stem[1], net.block[1]):
            assert isinstance(norm, nn.BatchNorm2d)
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_()
        for _ in range(5):
            net(torch.from_numpy(picture(8)) * 2 + 1)
    return net.eval()


def test_folded_float16_file_gives_what_the_trained_net_gives(tmp_path: Path) -> None:
    net, path = trained(), tmp_path / "net.safetensors"
    folding.save(net, path, {"model": "test/1"})
    found = OnnxNet(residual_graph(load_weights(path))).run(x=picture())["y"]
    np.testing.assert_allclose(found, net(torch.from_numpy(picture())).detach().numpy(), atol=1e-3)
    assert len(sha256_of(path)) == 64


def test_normalisation_without_convolution_cannot_be_folded() -> None:
    with pytest.raises(ValueError, match="no convolution before it"):
        folding.folded(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm2d(3)))
