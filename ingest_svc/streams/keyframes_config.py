"""How keyframes are chosen: the modes, their thresholds, and what values make sense."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace


class KeyframeMode(enum.IntEnum):
    """Which rule chooses; values as in `vitrine.ingest.v1.KeyframeMode`."""

    LUMA = 1
    COLOR = 2


class KeyframeConfigError(ValueError):
    """A configuration makes no sense.

    Attributes:
        field: The field at fault.
        description: What was expected and what came.
    """

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field
        self.description = description


@dataclass(frozen=True, slots=True)
class KeyframeConfig:
    """How keyframes are chosen. The defaults of mode `luma` are the published ones.

    Attributes:
        ssim_threshold: Mode `luma`: above this similarity it is the same scene, 0-1.
        pixel_diff_threshold: Mode `luma`: below this mean absolute difference it is the same scene, 0-1 of full scale.
        min_interval_s: Least time between two keyframes, seconds, 0-60.
        max_interval_s: Time after which a keyframe is forced, seconds, 0.1-600.
        mode: Which rule tells whether the scene has changed; a number is taken for the mode it stands for.
        color_diff_threshold: Mode `color`: by how much of full scale a channel may differ in equal colours, 0-1.
        changed_area_threshold: Mode `color`: share of the picture that must have new colours, 0-1.
    """

    ssim_threshold: float = 0.85
    pixel_diff_threshold: float = 0.06
    min_interval_s: float = 1.0
    max_interval_s: float = 10.0
    mode: KeyframeMode = KeyframeMode.COLOR
    color_diff_threshold: float = 0.035
    changed_area_threshold: float = 0.0008

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "mode", KeyframeMode(self.mode))
        except ValueError:
            raise KeyframeConfigError("mode", f"expected 1 (luma) or 2 (color), got {self.mode!r}") from None
        _check("color_diff_threshold", self.color_diff_threshold, 0.0, 1.0)
        _check("changed_area_threshold", self.changed_area_threshold, 0.0, 1.0)
        _check("ssim_threshold", self.ssim_threshold, 0.0, 1.0)
        _check("pixel_diff_threshold", self.pixel_diff_threshold, 0.0, 1.0)
        _check("min_interval_s", self.min_interval_s, 0.0, 60.0)
        _check("max_interval_s", self.max_interval_s, 0.1, 600.0)
        if self.max_interval_s <= self.min_interval_s:
            raise KeyframeConfigError(
                "max_interval_s",
                f"expected more than min_interval_s ({self.min_interval_s}), got {self.max_interval_s}",
            )

    @classmethod
    def restored(cls, values: Mapping[str, float]) -> KeyframeConfig:
        """Makes the configuration of a session that was kept.

        Args:
            values: As `dataclasses.asdict` gave them. One that was kept before there were modes chose by luma, and
                goes on so.
        """
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        return cls(**{"mode": KeyframeMode.LUMA, **known})  # type: ignore[arg-type]  # the mode is checked there

    def changed(self, **values: float | None) -> KeyframeConfig:
        """Returns a copy with some values changed.

        Args:
            **values: New values by field name; None keeps the present one.

        Raises:
            KeyframeConfigError: When the result makes no sense.
        """
        return replace(self, **{name: value for name, value in values.items() if value is not None})  # type: ignore[arg-type]  # the mode is checked there


def _check(field: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value) or not low <= value <= high:
        raise KeyframeConfigError(field, f"expected {low:g} to {high:g}, got {value!r}")
