"""From a trained network to the weights that are shipped: batch normalisation folded away, float16, one file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn


def folded(net: nn.Module) -> dict[str, npt.NDArray[np.float16]]:
    """Collects the weights of a network by name.

    A `BatchNorm2d` that follows a `Conv2d` inside one parent disappears into it: the result has that convolution's name
    with other weights and a bias. What is computed stays the same.

    Args:
        net: The network.

    Returns:
        float16 arrays, named as in `net.state_dict()`.

    Raises:
        ValueError: A normalisation has no convolution before it.
    """
    arrays: dict[str, npt.NDArray[np.float16]] = {}
    last: tuple[str, nn.Conv2d] | None = None
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            if last is None or last[1].out_channels != module.num_features or _parent(last[0]) != _parent(name):
                raise ValueError(f"{name}: there is no convolution before it that it could be folded into")
            weight, bias = _fold(last[1], module)
            arrays[f"{last[0]}.weight"], arrays[f"{last[0]}.bias"] = _half(weight), _half(bias)
            last = None
            continue
        own = module.named_parameters(prefix=name, recurse=False)
        arrays |= {key: _half(values) for key, values in own}
        if not list(module.children()):
            last = (name, module) if isinstance(module, nn.Conv2d) else None
    return arrays


def save(net: nn.Module, path: Path, about: Mapping[str, str]) -> None:
    """Writes the folded weights of a network.

    Args:
        net: The network.
        path: A `.safetensors` file.
        about: What it is, for the file's header.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(folded(net), path, metadata=dict(about))


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("a normalisation without running statistics cannot be folded")
    factor = norm.weight.detach() / torch.sqrt(variance + norm.eps)
    before = conv.bias.detach() if conv.bias is not None else torch.zeros_like(mean)
    return conv.weight.detach() * factor[:, None, None, None], norm.bias.detach() + (before - mean) * factor


def _half(values: Tensor) -> npt.NDArray[np.float16]:
    array: npt.NDArray[np.float16] = values.detach().cpu().contiguous().numpy().astype(np.float16)
    return array


def _parent(name: str) -> str:
    return name.rpartition(".")[0]
