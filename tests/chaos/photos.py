"""Photographs to send."""

from __future__ import annotations

import functools

import cv2
import skimage.data

_HUE_STEP = 20
# Where her suit begins, in rows: a face of another hue would be nobody's.
_SUIT_FROM = 190


@functools.cache
def outfit(number: int) -> bytes:
    """The photograph of an astronaut as JPEG; each number turns her suit's colours on: another outfit."""
    hsv = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2HSV)
    suit = hsv[_SUIT_FROM:, :, 0]
    suit[:] = (suit.astype(int) + _HUE_STEP * number) % 180
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR))[1].tobytes())
