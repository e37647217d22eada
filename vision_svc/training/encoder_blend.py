"""Blends the networks of two runs: `python -m vision_svc.training.encoder_blend --checkpoints A B --share 0.3 0.7`.

A run that started from another's weights ends in the same valley: between both lie networks that are better than either
(Wortsman et al. 2022, "Model soups"). That costs nothing where the network runs. Runs from other random weights do not
blend: measure what comes out.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor


def blend(networks: Sequence[Mapping[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """Returns the mean of several networks' weights and running statistics.

    Args:
        networks: State dicts of the same kind of network; what counts rather than weighs is the last one's.
        shares: What each counts, one for each network; they need not add up to 1.

    Raises:
        ValueError: Their names or shapes differ, or the shares are not as many.
    """
    if len(networks) != len(shares) or sum(shares) <= 0:
        raise ValueError(f"expected a share for each of {len(networks)} networks, above 0 in all; got {list(shares)}")
    shapes = [{name: value.shape for name, value in network.items()} for network in networks]
    if any(each != shapes[0] for each in shapes):
        raise ValueError("expected networks of the same kind; their names or shapes differ")
    blended = dict(networks[-1])
    for name, value in networks[-1].items():
        if value.is_floating_point():
            parts = zip(networks, shares, strict=True)
            total = torch.stack([network[name].double() * share for network, share in parts]).sum(dim=0)
            blended[name] = (total / sum(shares)).to(value.dtype)
    return blended


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--checkpoints", type=Path, nargs="+", required=True, help="written by vision_svc.training.encoder"
    )
    parser.add_argument("--share", type=float, nargs="+", required=True, help="what each of them counts")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write (.pt)")
    arguments = parser.parse_args()
    states = [torch.load(path, weights_only=True, map_location="cpu") for path in arguments.checkpoints]
    try:
        average = blend([state["average"] for state in states], arguments.share)
    except ValueError as error:
        parser.error(str(error))
    torch.save(states[-1] | {"average": average}, arguments.out)
    sys.stdout.write(f"{arguments.out}\n")


if __name__ == "__main__":
    main()
