"""Which frames of a stream matter: the published rule on luma.

The first frame is a keyframe. After that, by the time since the last keyframe and the difference to it: within the
minimum interval never; past the maximum interval always; else when the mean absolute difference reaches its threshold
and the structural similarity is not above its own. Pictures are compared as grey thumbnails of 160x120.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace

from ingest_svc.streams.similarity import GrayImage, SimilarityReference

THUMBNAIL_WIDTH_PX = 160
THUMBNAIL_HEIGHT_PX = 120
_NS = 1_000_000_000


class KeyframeReason(enum.IntEnum):
    """Why a frame was chosen; values as in `vitrine.ingest.v1.KeyframeReason`."""

    NONE = 0
    FIRST = 1
    SCENE_CHANGE = 2
    INTERVAL = 3


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
    """How keyframes are chosen. The defaults are the published ones.

    Attributes:
        ssim_threshold: Above this similarity it is the same scene, 0-1.
        pixel_diff_threshold: Below this mean absolute difference it is the same scene, 0-1 of full scale.
        min_interval_s: Least time between two keyframes, seconds, 0-60.
        max_interval_s: Time after which a keyframe is forced, seconds, 0.1-600.
    """

    ssim_threshold: float = 0.85
    pixel_diff_threshold: float = 0.06
    min_interval_s: float = 1.0
    max_interval_s: float = 10.0

    def __post_init__(self) -> None:
        _check("ssim_threshold", self.ssim_threshold, 0.0, 1.0)
        _check("pixel_diff_threshold", self.pixel_diff_threshold, 0.0, 1.0)
        _check("min_interval_s", self.min_interval_s, 0.0, 60.0)
        _check("max_interval_s", self.max_interval_s, 0.1, 600.0)
        if self.max_interval_s <= self.min_interval_s:
            raise KeyframeConfigError(
                "max_interval_s",
                f"expected more than min_interval_s ({self.min_interval_s}), got {self.max_interval_s}",
            )

    def changed(self, **values: float | None) -> KeyframeConfig:
        """Returns a copy with some values changed.

        Args:
            **values: New values by field name; None keeps the present one.

        Raises:
            KeyframeConfigError: When the result makes no sense.
        """
        return replace(self, **{name: value for name, value in values.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rule says about one frame.

    Attributes:
        reason: Why it is a keyframe; NONE when it is not.
        pixel_diff: Mean absolute difference to the last keyframe, where it was computed.
        ssim: Similarity to the last keyframe, where it was computed.
    """

    reason: KeyframeReason
    pixel_diff: float | None = None
    ssim: float | None = None

    @property
    def is_key(self) -> bool:
        """Whether the frame is a keyframe."""
        return self.reason is not KeyframeReason.NONE


_FIRST = Judgement(KeyframeReason.FIRST)
_TOO_SOON = Judgement(KeyframeReason.NONE)
_FORCED = Judgement(KeyframeReason.INTERVAL)


class KeyframeSelector:
    """Judges the frames of one stream, in order.

    A frame is first asked about by its time alone (`is_due`), so that frames inside the minimum interval need not be
    decoded; those that are due are then judged by their thumbnail.
    """

    def __init__(self, config: KeyframeConfig | None = None) -> None:
        self.config = config or KeyframeConfig()
        self._reference: SimilarityReference | None = None
        self._last_key_ns = 0

    def is_due(self, time_ns: int) -> bool:
        """Tells whether a frame can be a keyframe at all, as far as its time says.

        Args:
            time_ns: When the frame was taken, in nanoseconds from any fixed moment.
        """
        return self._reference is None or (time_ns - self._last_key_ns) / _NS >= self.config.min_interval_s

    def judge(self, gray: GrayImage, time_ns: int) -> Judgement:
        """Judges a frame by the whole rule; a keyframe becomes the new reference.

        Args:
            gray: Thumbnail, uint8 `(120, 160)`; it is kept when the frame is a keyframe.
            time_ns: When the frame was taken, in nanoseconds.
        """
        judgement = self._compare(gray, time_ns)
        if judgement.is_key:
            self._reference = SimilarityReference(gray)
            self._last_key_ns = time_ns
        return judgement

    def _compare(self, gray: GrayImage, time_ns: int) -> Judgement:
        if self._reference is None:
            return _FIRST
        elapsed_s = (time_ns - self._last_key_ns) / _NS
        if elapsed_s < self.config.min_interval_s:
            return _TOO_SOON
        if elapsed_s >= self.config.max_interval_s:
            return _FORCED
        diff = self._reference.mean_abs_diff(gray)
        if diff < self.config.pixel_diff_threshold:
            return Judgement(KeyframeReason.NONE, diff)
        ssim = self._reference.ssim(gray)
        same = ssim > self.config.ssim_threshold
        return Judgement(KeyframeReason.NONE if same else KeyframeReason.SCENE_CHANGE, diff, ssim)


def _check(field: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value) or not low <= value <= high:
        raise KeyframeConfigError(field, f"expected {low:g} to {high:g}, got {value!r}")
