"""Clips drawn by code, and the published keyframe rule as its authors wrote it: full decode, scikit-image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
from skimage.metrics import structural_similarity

Image = npt.NDArray[np.uint8]


@dataclass
class PublishedSelector:
    """The rule of seed 000, every frame decoded in full, in float64.

    Attributes:
        ssim_threshold, pixel_diff_threshold, min_interval_s, max_interval_s: As published.
    """

    ssim_threshold: float = 0.85
    pixel_diff_threshold: float = 0.06
    min_interval_s: float = 1.0
    max_interval_s: float = 10.0
    _reference: Image | None = None
    _last_key_s: float = 0.0
    similarities: list[float] = field(default_factory=list)

    def is_key(self, jpeg: bytes, time_s: float) -> bool:
        color = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert color is not None
        gray = cv2.cvtColor(color, cv2.COLOR_BGR2GRAY)
        thumbnail = cv2.resize(gray, (160, 120), interpolation=cv2.INTER_AREA).astype(np.uint8)
        if self._decides(thumbnail, time_s):
            self._reference, self._last_key_s = thumbnail, time_s
            return True
        return False

    def _decides(self, gray: Image, time_s: float) -> bool:
        if self._reference is None:
            return True
        elapsed_s = time_s - self._last_key_s
        if elapsed_s < self.min_interval_s:
            return False
        if elapsed_s >= self.max_interval_s:
            return True
        diff = np.mean(np.abs(gray.astype(np.float64) - self._reference.astype(np.float64))) / 255
        if diff < self.pixel_diff_threshold:
            return False
        similarity = reference_ssim(self._reference, gray)
        self.similarities.append(similarity)
        return similarity <= self.ssim_threshold


def reference_ssim(first: Image, second: Image) -> float:
    """SSIM with an 11x11 Gaussian, sigma 1.5, by scikit-image."""
    return float(
        structural_similarity(
            first, second, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def scene(rng: np.random.Generator, width: int = 640, height: int = 480) -> Image:
    """A picture with smooth ground, edges and texture, as rooms and clothes have."""
    ground = cv2.resize(rng.integers(0, 255, (4, 5, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    image: Image = ground.astype(np.uint8)
    for _ in range(int(rng.integers(3, 9))):
        x0, y0 = int(rng.integers(0, width)), int(rng.integers(0, height))
        size = int(rng.integers(30, 220))
        color = [int(value) for value in rng.integers(0, 255, 3)]
        if rng.random() < 0.5:
            cv2.rectangle(image, (x0, y0), (x0 + size, y0 + size * 2), color, -1)
        else:
            cv2.circle(image, (x0, y0), size, color, -1)
    noise = rng.normal(0, 6, image.shape)
    noisy: Image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return noisy


def clip(seed: int, frames: int = 60) -> Iterator[tuple[bytes, int]]:
    """Yields JPEG frames and their times in nanoseconds, about 10 a second: cuts, pans, fades, flicker and stills."""
    rng = np.random.default_rng(seed)
    picture, other, time_ns = scene(rng), scene(rng), 5_000_000_000
    kind, left = "still", 8
    for _ in range(frames):
        if left == 0:
            kind = str(rng.choice(["still", "cut", "pan", "fade", "flicker", "shake"]))
            left = int(rng.integers(5, 18))
            if kind == "cut":
                picture = scene(rng)
            if kind == "fade":
                other = scene(rng)
        left -= 1
        picture, shown = _step(rng, kind, picture, other)
        _, jpeg = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 75])
        yield jpeg.tobytes(), time_ns
        time_ns += int(rng.integers(60_000_000, 140_000_000))


def _step(rng: np.random.Generator, kind: str, picture: Image, other: Image) -> tuple[Image, Image]:
    if kind == "pan":
        picture = np.roll(picture, int(rng.integers(4, 25)), axis=1)
    if kind == "fade":
        picture = cv2.addWeighted(picture, 0.85, other, 0.15, 0).astype(np.uint8)
    shown = picture
    if kind == "flicker":
        shown = np.clip(picture * rng.uniform(0.75, 1.25), 0, 255).astype(np.uint8)
    if kind == "shake":
        shown = np.roll(picture, tuple(int(v) for v in rng.integers(-6, 7, 2)), axis=(0, 1))
    noise = rng.normal(0, 3, shown.shape)
    return picture, np.clip(shown + noise, 0, 255).astype(np.uint8)
