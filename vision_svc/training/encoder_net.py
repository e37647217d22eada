"""The network of `fashion/3`: a small residual network on four channels (colour and mask)."""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from vision_svc.garments.kinds import KINDS, PATTERN_KINDS

STEM = 24
WIDTHS = (56, 112, 192)
BLOCKS = 2
_PROJECTION = 96
# Width of the feature of a teacher.
TAUGHT = 1280


class Outputs(NamedTuple):
    """What the network says of a batch.

    Attributes:
        feature: `(N, 192)`, pooled.
        kinds: `(N, len(KINDS))`, logits.
        patterns: `(N, len(PATTERN_KINDS))`, logits.
    """

    feature: Tensor
    kinds: Tensor
    patterns: Tensor


class Block(nn.Module):
    """Two 3 x 3 convolutions around a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        nn.init.zeros_(self.norm2.weight)  # starts as the shortcut alone, which trains more calmly

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps `(N, C, H, W)` to `(N, outputs, H / stride, W / stride)`."""
        middle = functional.relu(self.norm1(self.conv1(inputs)))
        return functional.relu(self.norm2(self.conv2(middle)) + self.shortcut(inputs))


class EncoderNet(nn.Module):
    """1.8 M parameters; input float32 `(N, 4, S, S)`: RGB in -1..1, 0 outside the garment, and the mask as 0 or 1."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem1 = nn.Conv2d(4, STEM, 3, 2, 1, bias=False)
        self.stem1_norm = nn.BatchNorm2d(STEM)
        self.stem2 = nn.Conv2d(STEM, STEM, 3, 1, 1, bias=False)
        self.stem2_norm = nn.BatchNorm2d(STEM)
        layers, inputs = [], STEM
        for width in WIDTHS:
            for index in range(BLOCKS):
                layers.append(Block(inputs, width, 2 if index == 0 else 1))
                inputs = width
        self.blocks = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.kinds = nn.Linear(inputs, len(KINDS))
        self.patterns = nn.Linear(inputs, len(PATTERN_KINDS))
        # Only for the contrastive losses (same kind, same garment) and the teacher; they are not shipped.
        self.projection = nn.Sequential(nn.Linear(inputs, inputs), nn.ReLU(), nn.Linear(inputs, _PROJECTION))
        self.instance = nn.Sequential(nn.Linear(inputs, inputs), nn.ReLU(), nn.Linear(inputs, _PROJECTION))
        self.mimic = nn.Linear(inputs, TAUGHT)

    def features(self, inputs: Tensor) -> Tensor:
        """Returns the pooled feature, `(N, 192)`."""
        stem = functional.relu(self.stem1_norm(self.stem1(inputs)))
        stem = functional.relu(self.stem2_norm(self.stem2(stem)))
        pooled: Tensor = self.blocks(stem).mean(dim=(2, 3))
        return pooled

    def forward(self, inputs: Tensor) -> Outputs:
        """Describes a batch."""
        feature = self.features(inputs)
        dropped = self.dropout(feature)
        return Outputs(feature, self.kinds(dropped), self.patterns(dropped))
