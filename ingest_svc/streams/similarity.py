"""Structural similarity of small grey pictures, as fast as the frame path needs it.

The same number as `skimage.metrics.structural_similarity(..., gaussian_weights=True, sigma=1.5,
use_sample_covariance=False, data_range=255)`, to 5e-5 at worst (bright flat pictures), at a fifth of the cost: in
float32, with everything that depends on the reference alone computed once per reference.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

GrayImage = npt.NDArray[np.uint8]
_FloatImage = npt.NDArray[np.float32]

# Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity", section III-B and C.
_WINDOW_PX = 11
_SIGMA_PX = 1.5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2
# The mean leaves out the border on which the window does not fit.
_BORDER_PX = _WINDOW_PX // 2
# Variances do not change when both pictures are shifted; near zero float32 loses less in E[x^2] - E[x]^2.
_SHIFT = 128.0
_KERNEL = cv2.getGaussianKernel(_WINDOW_PX, _SIGMA_PX, cv2.CV_32F)


class SimilarityReference:
    """A grey picture that others are compared with.

    Args:
        gray: uint8 `(H, W)`, at least 11 pixels on each side; it is not copied and must not change.
    """

    __slots__ = ("_doubled_mean", "_gray", "_mean_shifted", "_mean_square_c1", "_pixels", "_shifted", "_variance_c2")

    def __init__(self, gray: GrayImage) -> None:
        if min(gray.shape) < _WINDOW_PX:
            raise ValueError(f"expected at least {_WINDOW_PX} pixels on each side, got {gray.shape}")
        self._gray = gray
        self._pixels = gray.size
        self._shifted = _shift(gray)
        self._mean_shifted = _blur(self._shifted)
        mean = self._mean_shifted + np.float32(_SHIFT)
        variance = _blur(self._shifted * self._shifted) - self._mean_shifted * self._mean_shifted
        self._doubled_mean = 2 * mean
        self._mean_square_c1 = mean * mean + np.float32(_C1)
        self._variance_c2 = variance + np.float32(_C2)

    def mean_abs_diff(self, gray: GrayImage) -> float:
        """Returns the mean absolute difference, 0 (equal) to 1 (black against white).

        Args:
            gray: uint8, same shape as the reference.
        """
        return cv2.norm(self._gray, gray, cv2.NORM_L1) / (255.0 * self._pixels)

    def ssim(self, gray: GrayImage) -> float:
        """Returns the structural similarity, -1 to 1; 1 for equal pictures.

        Args:
            gray: uint8, same shape as the reference.
        """
        # In place and on whole arrays, border included: contiguous arrays are faster than views without it.
        shifted = _shift(gray)
        mean = _blur(shifted)
        variance = _blur(shifted * shifted)
        variance -= mean * mean
        variance += self._variance_c2
        covariance = _blur(shifted * self._shifted)
        covariance -= mean * self._mean_shifted
        covariance *= 2
        covariance += np.float32(_C2)
        mean += np.float32(_SHIFT)
        numerator = self._doubled_mean * mean
        numerator += np.float32(_C1)
        numerator *= covariance
        mean *= mean
        mean += self._mean_square_c1
        variance *= mean
        numerator /= variance
        inner = numerator[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX]
        return float(inner.mean(dtype=np.float64))


def _shift(gray: GrayImage) -> _FloatImage:
    shifted: _FloatImage = cv2.subtract(gray, _SHIFT, dtype=cv2.CV_32F)  # type: ignore[call-overload]
    return shifted


def _blur(image: _FloatImage) -> _FloatImage:
    """Gaussian mean around every pixel, float32 of the same shape; at the border it is mirrored and means nothing."""
    blurred: _FloatImage = cv2.sepFilter2D(image, cv2.CV_32F, _KERNEL, _KERNEL)  # type: ignore[assignment]
    return blurred
