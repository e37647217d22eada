"""What one drawn product is: its looks, which the drawing reads, and its data, which the catalogue reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Style = Mapping[str, str | float | bool]


@dataclass(frozen=True, slots=True)
class Look:
    """How a garment looks.

    Attributes:
        kind: Which drawing: ``upper``, ``lower``, ``skirt``, ``dress``, ``jumpsuit``, ``shoe``, ``bag``, ``headwear``,
            ``scarf`` or ``belt``.
        color: Name of the ground colour.
        accents: Names of other colours, the pattern's first.
        weave: One of `cloth.WEAVES`.
        shine: 0 matt to 1 glossy.
        pattern: ``plain``, ``striped``, ``checked``, ``dotted``, ``floral`` or ``graphic``.
        pitch: Size of a repeat in pixels.
        angle: Turn of the pattern in degrees.
        fine: True for thin lines on much ground.
        width: Width as a factor: below 1 slim, above 1 oversized.
        style: Choices of cut by name, as the drawing of this kind knows them.
    """

    kind: str
    color: str
    accents: tuple[str, ...] = ()
    weave: str = "woven"
    shine: float = 0.1
    pattern: str = "plain"
    pitch: float = 14.0
    angle: float = 0.0
    fine: bool = False
    width: float = 1.0
    style: Style = field(default_factory=dict)

    def word(self, name: str, default: str = "") -> str:
        """Returns a choice that is a word."""
        return str(self.style.get(name, default))

    def number(self, name: str, default: float) -> float:
        """Returns a choice that is a number."""
        return float(self.style.get(name, default))
