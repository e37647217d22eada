"""The network of the garment parser: a residual U-Net that also says what the outfit as a whole consists of."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vision_svc.garments.parse_input import CHANNELS, ZONE_FLOOR, ZONES
from vision_svc.garments.parse_labels import LABELS, PRESENCE

WIDTHS = (32, 64, 128, 192)
_DILATIONS = (1, 2, 3)
_CONTEXT = 128


class ConvUnit(nn.Sequential):
    """Convolution, batch normalisation and, where wanted, ReLU."""

    def __init__(
        self, into: int, out: int, kernel: int = 3, stride: int = 1, dilation: int = 1, *, act: bool = True
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(into, out, kernel, stride, dilation * (kernel // 2), dilation, bias=False),
            nn.BatchNorm2d(out),
        ]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if act else []))


class Block(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = ConvUnit(width, width, dilation=dilation)
        self.second = ConvUnit(width, width, dilation=dilation, act=False)

    def forward(self, values: Tensor) -> Tensor:
        """Adds what the convolutions find to what is there."""
        return functional.relu(values + self.second(self.first(values)))


class Context(nn.Module):
    """What the whole picture and the parts of the body show, told to each place; and the presence of things."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear((2 + len(ZONES)) * width, _CONTEXT)
        self.spread = nn.Linear(_CONTEXT, width)
        self.drop = nn.Dropout(0.3)
        self.presence = nn.Linear(_CONTEXT, len(PRESENCE))

    def forward(self, values: Tensor, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the values with the context added, and logits `(N, len(PRESENCE))`."""
        zones = functional.avg_pool2d(planes[:, list(ZONES)], planes.shape[2] // values.shape[2]).flatten(2)
        zones = zones / (zones.sum(dim=2, keepdim=True) + ZONE_FLOOR)
        worn = (zones.to(values.dtype) @ values.flatten(2).transpose(1, 2)).flatten(1)
        pooled = torch.cat([values.mean(dim=(2, 3)), values.amax(dim=(2, 3)), worn], dim=1)
        whole = functional.relu(self.squeeze(pooled))
        return functional.relu(values + self.spread(whole)[:, :, None, None]), self.presence(self.drop(whole))


class Up(nn.Module):
    """One step of the decoder: twice the size, joined with what the encoder saw there."""

    def __init__(self, deep: int, skip: int, out: int, refine: nn.Module) -> None:
        super().__init__()
        self.reduce = ConvUnit(deep, out, 1, act=False)
        self.side = ConvUnit(skip, out, 1, act=False)
        self.refine = refine

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """Joins both."""
        grown = functional.interpolate(self.reduce(deep), scale_factor=2.0, mode="bilinear", align_corners=False)
        result: Tensor = self.refine(functional.relu(grown + self.side(skip)))
        return result


class ParserNet(nn.Module):
    """From planes `(N, CHANNELS, H, W)` to label logits at half of that size, and presence logits."""

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four = WIDTHS
        self.stem = ConvUnit(CHANNELS, one, 5, 2)
        self.stage2 = nn.Sequential(ConvUnit(one, two, stride=2), Block(two), Block(two))
        self.stage3 = nn.Sequential(ConvUnit(two, three, stride=2), Block(three), Block(three))
        self.stage4 = nn.Sequential(ConvUnit(three, four, stride=2), *(Block(four, by) for by in _DILATIONS))
        self.context = Context(four)
        self.up3, self.up2 = Up(four, three, three, Block(three)), Up(three, two, two, Block(two))
        self.up1 = Up(two, one, one, ConvUnit(one, one))
        self.labels = nn.Conv2d(one, len(LABELS), 1)

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Labels every second pixel: `(N, len(LABELS), H / 2, W / 2)` and `(N, len(PRESENCE))`."""
        first = self.stem(planes)
        second = self.stage2(first)
        third = self.stage3(second)
        fourth, presence = self.context(self.stage4(third), planes)
        joined = self.up1(self.up2(self.up3(fourth, third), second), first)
        return self.labels(joined), presence
