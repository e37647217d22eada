"""What the fashion encoder is trained for: its label, its like, itself seen again, and what a teacher says."""

import torch
from torch import Tensor
from torch.nn import functional

_SMOOTHING = 0.1
_TEMPERATURE = 0.1
# Softens the chances of teacher and pupil, so that what the teacher holds for unlikely is heard as well.
_SOFTEN = 2.0


def partial_loss(logits: Tensor, allowed: Tensor) -> Tensor:
    """Returns the mean negative log-probability that the kind is one of those its label allows, smoothed.

    Args:
        logits: float `(N, kinds)`.
        allowed: bool `(N, kinds)`, at least one true in each row.
    """
    chances = functional.log_softmax(logits, dim=1)
    right = torch.logsumexp(chances.masked_fill(~allowed, -1e9), dim=1)
    return -((1 - _SMOOTHING) * right + _SMOOTHING * chances.mean(dim=1)).mean()


def contrastive_loss(projected: Tensor, allowed: Tensor) -> Tensor:
    """Returns the supervised contrastive loss (Khosla et al. 2020); labels that only overlap neither pull nor push."""
    unit = functional.normalize(projected, dim=1)
    scores = unit @ unit.T / _TEMPERATURE
    same = (allowed[:, None] == allowed[None]).all(dim=2)
    overlap = (allowed[:, None] & allowed[None]).any(dim=2)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    scores = scores.masked_fill(itself | (overlap & ~same), -1e9)
    positive = (same & ~itself).float()
    chances = scores - torch.logsumexp(scores, dim=1, keepdim=True)
    count = positive.sum(dim=1)
    pulled = (chances * positive).sum(dim=1)[count > 0] / count[count > 0]
    return -pulled.mean() if len(pulled) else scores.sum() * 0


def instance_loss(projected: Tensor) -> Tensor:
    """Returns the contrastive loss that tells a garment from all others (Chen et al. 2020).

    Args:
        projected: `(2 N, D)`: N garments, then the same N once more.
    """
    unit = functional.normalize(projected, dim=1)
    count = len(unit)
    itself = torch.eye(count, dtype=torch.bool, device=unit.device)
    scores = (unit @ unit.T / _TEMPERATURE).masked_fill(itself, -1e9)
    partner = (torch.arange(count, device=unit.device) + count // 2) % count
    return functional.cross_entropy(scores, partner)


def softened(logits: Tensor) -> Tensor:
    """Returns a teacher's chances, less sure than it is, `(N, kinds)`."""
    return functional.softmax(logits / _SOFTEN, dim=1)


def imitation_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Returns the Kullback-Leibler divergence from a teacher's softened chances (Hinton et al. 2015).

    Args:
        logits: float `(N, kinds)`, the pupil's.
        wanted: float `(N, kinds)`, of `softened`.
    """
    said = functional.log_softmax(logits / _SOFTEN, dim=1)
    return _SOFTEN**2 * functional.kl_div(said, wanted, reduction="batchmean")


def likeness_loss(feature: Tensor, taught: Tensor) -> Tensor:
    """Returns how far apart pairs of pictures stand for the pupil and for the teacher (Park et al. 2019).

    The widths of the features need not be the same: only their cosines, centred on the batch, are compared.

    Args:
        feature: float `(N, D)`, the pupil's.
        taught: float `(N, E)`, the teacher's for the same pictures.
    """
    ours, theirs = (functional.normalize(one - one.mean(dim=0), dim=1) for one in (feature, taught))
    return (ours @ ours.T - theirs @ theirs.T).square().mean()


def mimicry_loss(mimicked: Tensor, taught: Tensor) -> Tensor:
    """Returns how far what a pupil says of its teacher's feature points away from it, 0-2 (one minus the cosine).

    Args:
        mimicked: float `(N, D)`.
        taught: float `(N, D)`, the teacher's feature less its mean.
    """
    return (1 - functional.cosine_similarity(mimicked, taught, dim=1)).mean()
