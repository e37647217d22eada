"""The moving average of a network's weights, which is what is measured and shipped."""

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, net: nn.Module, keep: float) -> None:
    """Moves the average towards the network, in place.

    Args:
        average: Of the same kind as `net`; its weights and running statistics move, its counters are copied.
        net: What is trained.
        keep: How much of the average stays, 0-1.
    """
    floats: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
    for mean, value in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if mean.is_floating_point():
            floats[0].append(mean)
            floats[1].append(value)
        else:
            mean.copy_(value)
    torch._foreach_lerp_(floats[0], floats[1], 1 - keep)
