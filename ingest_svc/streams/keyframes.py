"""Which frames of a stream matter.

The first frame is a keyframe. After that, by the time since the last keyframe: within the minimum interval never; past
the maximum interval always; else when the scene has changed, which each mode tells in its own way.

Mode `luma` is the published rule: the mean absolute difference to the last keyframe reaches its threshold and the
structural similarity is not above its own, on grey thumbnails of 160x120. Mode `color` sees what people wear: see
`keyframes_color`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ingest_svc.streams.keyframes_color import ColorWatch
from ingest_svc.streams.keyframes_config import KeyframeConfig, KeyframeConfigError, KeyframeMode
from ingest_svc.streams.similarity import GrayImage, SimilarityReference
from ingest_svc.streams.similarity_light import ColorImage

__all__ = [
    "THUMBNAIL_HEIGHT_PX", "THUMBNAIL_WIDTH_PX", "Judgement", "KeyframeConfig", "KeyframeConfigError", "KeyframeMode",
    "KeyframeReason", "KeyframeSelector",
]  # fmt: skip

THUMBNAIL_WIDTH_PX = 160
THUMBNAIL_HEIGHT_PX = 120
_NS = 1_000_000_000


class KeyframeReason(enum.IntEnum):
    """Why a frame was chosen; values as in `vitrine.ingest.v1.KeyframeReason`."""

    NONE = 0
    FIRST = 1
    SCENE_CHANGE = 2
    INTERVAL = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rule says about one frame.

    Attributes:
        reason: Why it is a keyframe; NONE when it is not.
        pixel_diff: Mean absolute difference to the last keyframe, where it was computed.
        ssim: Similarity to the last keyframe, where it was computed.
        changed_area: Share of the picture with new colours, where it was computed.
        too_soon: Whether it came within the minimum interval, where nothing is a keyframe.
    """

    reason: KeyframeReason
    pixel_diff: float | None = None
    ssim: float | None = None
    changed_area: float | None = None
    too_soon: bool = False

    @property
    def is_key(self) -> bool:
        """Whether the frame is a keyframe."""
        return self.reason is not KeyframeReason.NONE


_FIRST = Judgement(KeyframeReason.FIRST)
_TOO_SOON = Judgement(KeyframeReason.NONE, too_soon=True)
_FORCED = Judgement(KeyframeReason.INTERVAL)
_UNCOMPARED = Judgement(KeyframeReason.NONE)


class KeyframeSelector:
    """Judges the frames of one stream, in order.

    A frame is first asked about by its time alone (`is_due`), so that most frames need not be decoded; those that are
    due are then judged by their thumbnail: a grey one by luma, one with colours by colour.
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
        early = elapsed_s < config.min_interval_s
        if self._color is None or elapsed_s >= config.max_interval_s:
            return not early
        return self._color.is_due(time_ns / _NS, config.min_interval_s, early=early)

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
            if self._color is not None and picture.shape == self._shape:
                self._color.look(picture, time_ns / _NS, early=True)
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
