"""Colour as people see it: sRGB and CIE L*a*b* under D65, and the difference CIEDE2000."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# IEC 61966-2-1: linear sRGB to CIE XYZ, D65, 2 degrees.
_RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_XYZ_TO_RGB = np.linalg.inv(_RGB_TO_XYZ)
# The white of the matrix itself (its rows' sums), so that (255, 255, 255) is exactly L* = 100, a* = b* = 0.
_WHITE_XYZ = _RGB_TO_XYZ.sum(axis=1)
# CIE 15:2018, section 8.2.1.
_EPSILON = 216.0 / 24389.0
_KAPPA = 24389.0 / 27.0


def srgb_to_lab(rgb: npt.ArrayLike) -> FloatArray:
    """Converts sRGB to CIE L*a*b*.

    Args:
        rgb: `(..., 3)`, channel order RGB, range 0-255.

    Returns:
        float64 `(..., 3)`: L* 0-100, a*, b*.
    """
    values = np.asarray(rgb)
    # Bytes are looked up, which is much quicker and gives the same.
    linear = _LINEAR_OF_BYTES[values] if values.dtype == np.uint8 else _linear(values)
    ratio = linear @ _RGB_TO_XYZ.T / _WHITE_XYZ
    f = np.where(ratio > _EPSILON, np.cbrt(ratio), (_KAPPA * ratio + 16.0) / 116.0)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def _linear(rgb: npt.ArrayLike) -> FloatArray:
    share = np.asarray(rgb, np.float64) / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


_LINEAR_OF_BYTES = _linear(np.arange(256))


def lab_to_srgb(lab: npt.ArrayLike) -> FloatArray:
    """Converts CIE L*a*b* to sRGB.

    Args:
        lab: `(..., 3)`: L* 0-100, a*, b*.

    Returns:
        float64 `(..., 3)`, RGB, clipped into 0-255 where the colour lies outside of sRGB.
    """
    values = np.asarray(lab, np.float64)
    y = (values[..., 0] + 16.0) / 116.0
    f = np.stack([y + values[..., 1] / 500.0, y, y - values[..., 2] / 200.0], axis=-1)
    ratio = np.where(f**3 > _EPSILON, f**3, (116.0 * f - 16.0) / _KAPPA)
    linear = np.clip((ratio * _WHITE_XYZ) @ _XYZ_TO_RGB.T, 0.0, 1.0)
    share = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    rgb: FloatArray = np.clip(share, 0.0, 1.0) * 255.0
    return rgb


def delta_e_2000(lab_1: npt.ArrayLike, lab_2: npt.ArrayLike, *, k_lightness: float = 1.0) -> FloatArray:
    """Returns the colour difference CIEDE2000 with kC = kH = 1.

    After Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference Formula", Color Research and Application 30 (2005).

    Args:
        lab_1: `(..., 3)`: L* 0-100, a*, b*.
        lab_2: `(..., 3)`, broadcast against the first.
        k_lightness: kL: how much more lightness may differ before it counts; textile trade takes 2.

    Returns:
        float64 `(...)`; about 1 is just noticeable, 100 is black against white.
    """
    first, second = np.broadcast_arrays(np.asarray(lab_1, np.float64), np.asarray(lab_2, np.float64))
    chroma_mean = (np.hypot(first[..., 1], first[..., 2]) + np.hypot(second[..., 1], second[..., 2])) / 2
    g = 0.5 * (1 - np.sqrt(chroma_mean**7 / (chroma_mean**7 + 25.0**7)))
    chroma_1, hue_1 = _polar(first, g)
    chroma_2, hue_2 = _polar(second, g)
    hue_step, hue_mean = _hues(chroma_1 * chroma_2, hue_1, hue_2)
    light_mean, chroma_mean = (first[..., 0] + second[..., 0]) / 2, (chroma_1 + chroma_2) / 2
    light_term = (second[..., 0] - first[..., 0]) / (k_lightness * _light_weight(light_mean))
    chroma_term = (chroma_2 - chroma_1) / (1 + 0.045 * chroma_mean)
    hue_delta = 2 * np.sqrt(chroma_1 * chroma_2) * np.sin(np.radians(hue_step / 2))
    hue_term = hue_delta / (1 + 0.015 * chroma_mean * _hue_weight(hue_mean))
    turn = _rotation(chroma_mean, hue_mean)
    squared = light_term**2 + chroma_term**2 + hue_term**2 + turn * chroma_term * hue_term
    difference: FloatArray = np.sqrt(np.maximum(squared, 0.0))
    return difference


def _polar(lab: FloatArray, g: FloatArray) -> tuple[FloatArray, FloatArray]:
    a, b = lab[..., 1] * (1 + g), lab[..., 2]
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360.0


def _hues(chroma_product: FloatArray, hue_1: FloatArray, hue_2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns the step and the mean of two hues in degrees; a grey has no hue (Sharma, equations 10 and 14)."""
    grey, plain = chroma_product == 0, hue_2 - hue_1
    step = np.where(plain > 180, plain - 360, np.where(plain < -180, plain + 360, plain))
    total = hue_1 + hue_2
    across = np.where(total < 360, (total + 360) / 2, (total - 360) / 2)
    mean = np.where(np.abs(plain) <= 180, total / 2, across)
    return np.where(grey, 0.0, step), np.where(grey, total, mean)


def _light_weight(light_mean: FloatArray) -> FloatArray:
    offset = (light_mean - 50) ** 2
    return 1 + 0.015 * offset / np.sqrt(20 + offset)


def _hue_weight(hue_mean: FloatArray) -> FloatArray:
    terms = ((-0.17, 1, -30.0), (0.24, 2, 0.0), (0.32, 3, 6.0), (-0.20, 4, -63.0))
    total = np.ones_like(hue_mean)
    for factor, multiple, phase in terms:
        total = total + factor * np.cos(np.radians(multiple * hue_mean + phase))
    return total


def _rotation(chroma_mean: FloatArray, hue_mean: FloatArray) -> FloatArray:
    angle = 30 * np.exp(-(((hue_mean - 275) / 25) ** 2))
    rate = 2 * np.sqrt(chroma_mean**7 / (chroma_mean**7 + 25.0**7))
    turn: FloatArray = -np.sin(np.radians(2 * angle)) * rate
    return turn
