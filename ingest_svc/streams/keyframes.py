"""Which frames of a stream matter.

The first frame is a keyframe. After that, by the time since the last keyframe: within the minimum interval never; past
the maximum interval always; else when the scene has changed, which each mode tells in its own way.

Mode `luma` is the published rule: the mean absolute difference to the last keyframe reaches its threshold and the
structural similarity is not above its own, on grey thumbnails of 160x120. Mode `color` sees what people wear: see
`keyframes_color`.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ingest_svc.streams.keyframes_color import ColorWatch
from ingest_svc.streams.similarity import GrayImage, SimilarityReference
from ingest_svc.streams.similarity_light import ColorImage

THUMBNAIL_WIDTH_PX = 160
THUMBNAIL_HEIGHT_PX = 120
_NS = 1_000_000_000


class KeyframeReason(enum.IntEnum):
    """Why a frame was chosen; values as in `vitrine.ingest.v1.KeyframeReason`."""

    NONE = 0
    FIRST = 1
    SCENE_CHANGE = 2
    INTERVAL = 3


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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rule says about one frame.

    Attributes:
        reason: Why it is a keyframe; NONE when it is not.
        pixel_diff: Mean absolute difference to the last keyframe, where it was computed.
        ssim: Similarity to the last keyframe, where it was computed.
        changed_area: Share of the picture with new colours, where it was computed.
    """

    reason: KeyframeReason
    pixel_diff: float | None = None
    ssim: float | None = None
    changed_area: float | None = None

    @property
    def is_key(self) -> bool:
        """Whether the frame is a keyframe."""
        return self.reason is not KeyframeReason.NONE


_FIRST = Judgement(KeyframeReason.FIRST)
_TOO_SOON = Judgement(KeyframeReason.NONE)
_FORCED = Judgement(KeyframeReason.INTERVAL)
_UNCOMPARED = Judgement(KeyframeReason.NONE)


class KeyframeSelector:
    """Judges the frames of one stream, in order.

    A frame is first asked about by its time alone (`is_due`), so that frames inside the minimum interval need not be
    decoded; those that are due are then judged by their thumbnail: a grey one by luma, one with colours by colour.
    """

    def __init__(self, config: KeyframeConfig | None = None) -> None:
        self._config = config or KeyframeConfig()
        self._luma: SimilarityReference | None = None
        self._color: ColorWatch | None = None
        self._shape: tuple[int, ...] | None = None
        self._last_key_ns: int | None = None

    @property
    def config(self) -> KeyframeConfig:
        """How keyframes are chosen; a new one counts from the next frame on."""
        return self._config

    @config.setter
    def config(self, config: KeyframeConfig) -> None:
        self._config = config
        if self._color is not None:
            self._color.tolerance, self._color.least_area = config.color_diff_threshold, config.changed_area_threshold

    @property
    def sees_color(self) -> bool:
        """Whether the next frame shall be judged by its colours."""
        return self._config.mode is KeyframeMode.COLOR

    def is_due(self, time_ns: int) -> bool:
        """Tells whether a frame has to be looked at, as far as its time says.

        By luma that is every one that can be a keyframe; by colour see `ColorWatch.is_due`.

        Args:
            time_ns: When the frame was taken, in nanoseconds from any fixed moment.
        """
        if self._color is not None:
            self._color.seen_at(time_ns / _NS)
        if self._last_key_ns is None:
            return True
        config, elapsed_s = self._config, (time_ns - self._last_key_ns) / _NS
        if self._color is None or not config.min_interval_s <= elapsed_s < config.max_interval_s:
            return elapsed_s >= config.min_interval_s
        return self._color.is_due(time_ns / _NS, config.min_interval_s)

    def judge(self, picture: GrayImage | ColorImage, time_ns: int) -> Judgement:
        """Judges a frame by the whole rule; a keyframe becomes the new reference.

        The first picture of another mode or shape than before becomes the reference too, without being a keyframe:
        there is nothing to compare it with.

        Args:
            picture: Thumbnail, uint8 `(120, 160)` grey or `(H, W, 3)` BGR; it may be kept.
            time_ns: When the frame was taken, in nanoseconds.
        """
        judgement = self._compare(picture, time_ns)
        if judgement.is_key:
            self._last_key_ns = time_ns
        if judgement.is_key or picture.shape != self._shape:
            self._begin(picture, time_ns)
        return judgement

    def _begin(self, picture: GrayImage | ColorImage, time_ns: int) -> None:
        self._shape = picture.shape
        if picture.ndim == 2:
            self._luma, self._color = SimilarityReference(picture), None
            return
        self._luma = None
        if self._color is None:
            self._color = ColorWatch(self._config.color_diff_threshold, self._config.changed_area_threshold)
            self._color.seen_at(time_ns / _NS)
        self._color.begin(picture, time_ns / _NS)

    def _compare(self, picture: GrayImage | ColorImage, time_ns: int) -> Judgement:
        if self._last_key_ns is None:
            return _FIRST
        elapsed_s = (time_ns - self._last_key_ns) / _NS
        if elapsed_s < self._config.min_interval_s:
            return _TOO_SOON
        if elapsed_s >= self._config.max_interval_s:
            return _FORCED
        if picture.shape != self._shape:
            return _UNCOMPARED
        return self._by_luma(picture) if self._color is None else self._by_color(self._color, picture, time_ns)

    def _by_luma(self, gray: GrayImage) -> Judgement:
        assert self._luma is not None  # noqa: S101 - a picture of this shape was the reference
        diff = self._luma.mean_abs_diff(gray)
        if diff < self._config.pixel_diff_threshold:
            return Judgement(KeyframeReason.NONE, diff)
        ssim = self._luma.ssim(gray)
        same = ssim > self._config.ssim_threshold
        return Judgement(KeyframeReason.NONE if same else KeyframeReason.SCENE_CHANGE, diff, ssim)

    def _by_color(self, watch: ColorWatch, bgr: ColorImage, time_ns: int) -> Judgement:
        sight = watch.look(bgr, time_ns / _NS)
        reason = KeyframeReason.SCENE_CHANGE if sight.is_new else KeyframeReason.NONE
        return Judgement(reason, changed_area=sight.changed_area)


def _check(field: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value) or not low <= value <= high:
        raise KeyframeConfigError(field, f"expected {low:g} to {high:g}, got {value!r}")
