"""How often the fashion encoder names held-out photos rightly, while it learns."""

import numpy as np
import torch

from vision_svc.garments.fashion_input import SIDE_PX
from vision_svc.garments.kinds import KINDS
from vision_svc.training.encoder_augment import network_input
from vision_svc.training.encoder_data import PHOTO, Samples
from vision_svc.training.encoder_labels import TEN
from vision_svc.training.encoder_net import EncoderNet


@torch.no_grad()
def accuracy(net: EncoderNet, samples: Samples, side_px: int = SIDE_PX) -> float:
    """Returns the share of held-out photos of the ten classes that are put into their own."""
    chosen = np.flatnonzero(samples.held_out & ~samples.again & (samples.domains == PHOTO))
    chosen = chosen[np.isin(samples.labels[chosen], list(TEN))]
    inputs = np.stack([network_input(samples.images[i], samples.masks[i], side_px, guessed=True) for i in chosen])
    device = next(net.parameters()).device
    chances = net(torch.from_numpy(inputs).to(device)).kinds.float().softmax(dim=1).cpu().numpy()
    members = np.array([[kind in kinds for kind in KINDS] for kinds in TEN.values()], np.float32)
    said = np.array(list(TEN))[(chances @ members.T).argmax(axis=1)]
    return float((said == samples.labels[chosen]).mean())
