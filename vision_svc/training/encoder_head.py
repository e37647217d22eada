"""Fits the last layer of `fashion/3` anew: `python -m vision_svc.training.encoder_head`.

A teacher that knows photos speaks badly of drawn garments, and its pupil learns that. The features are good for both,
so only the layer that names kinds is fitted again: to the labels of drawings, while it keeps to what it said of photos.
Twelve thousand views and a convex problem: two minutes of one core.
"""

import argparse
import copy
import sys
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vision_svc.garments.fashion_input import SIDE_PX
from vision_svc.training.encoder_augment import Augmenter
from vision_svc.training.encoder_data import DRAWN, Samples, load_cache
from vision_svc.training.encoder_loss import partial_loss
from vision_svc.training.encoder_net import EncoderNet

_BATCH = 64
# Batches of drawings and of photos that are looked at.
_DRAWN_BATCHES, _PHOTO_BATCHES = 60, 120
# What the labels of drawings weigh beside the chances of photos, and what keeps the layer near where it was.
_LABELS, _NEAR = 0.3, 1e-3


def refit(head: nn.Linear, drawn: tuple[Tensor, Tensor], photos: Tensor) -> nn.Linear:
    """Returns a layer that names drawings by their labels and photos as before.

    Args:
        head: Names kinds from features.
        drawn: Features `(N, D)` of drawings, and the kinds that their labels allow, bool `(N, kinds)`.
        photos: Features `(M, D)` of photos.
    """
    features, kinds = drawn
    with torch.no_grad():
        before = head(photos).softmax(dim=1)
    fitted = copy.deepcopy(head)
    optimizer = torch.optim.LBFGS(fitted.parameters(), max_iter=120, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        kept = functional.kl_div(fitted(photos).log_softmax(dim=1), before, reduction="batchmean")
        near = (fitted.weight - head.weight.detach()).square().sum()
        total = _LABELS * partial_loss(fitted(features), kinds) + kept + _NEAR * near
        total.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]  # torch has no type for it
    return fitted


def look(net: EncoderNet, samples: Samples, batches: int, seed: int) -> tuple[Tensor, Tensor]:
    """Returns features `(N, D)` of augmented views and the kinds that their labels allow, bool `(N, kinds)`."""
    augment, features, kinds = Augmenter(samples, seed), [], []
    for _ in range(batches):
        batch = augment.batch(_BATCH, SIDE_PX)
        with torch.no_grad():
            features.append(net.features(torch.from_numpy(batch.inputs)))
        kinds.append(torch.from_numpy(batch.kinds))
    return torch.cat(features), torch.cat(kinds)


def part(samples: Samples, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Samples:
    """Returns the chosen samples, bool `(N,)`."""
    return Samples(**{field.name: getattr(samples, field.name)[chosen] for field in fields(samples)})


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="samples, as vision_svc.training.encoder keeps them")
    parser.add_argument("--checkpoint", type=Path, required=True, help="written by vision_svc.training.encoder")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write (.pt)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    samples = load_cache(arguments.cache)
    state = torch.load(arguments.checkpoint, weights_only=True, map_location="cpu")
    net = EncoderNet()
    net.load_state_dict(state["average"])
    drawings = samples.domains == DRAWN
    drawn = look(net.eval(), part(samples, drawings), _DRAWN_BATCHES, 1)
    photos, _ = look(net, part(samples, ~drawings), _PHOTO_BATCHES, 2)
    net.kinds = refit(net.kinds, drawn, photos)
    torch.save(state | {"average": net.state_dict()}, arguments.out)
    sys.stdout.write(f"{arguments.out}\n")


if __name__ == "__main__":
    main()
