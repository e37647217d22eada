"""What a recording keeps of how a frame looks: it tells scenes apart, and not encodings of the same one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from vitrine.sdk.recording_looks import NO_PICTURE, Looker, differing_bits

from tests.unit.client.recorded import picture

pytestmark = pytest.mark.unit


def test_looks_tell_scenes_apart_and_not_encodings() -> None:
    looker = Looker()
    first, same, other = looker.look(picture(1)), looker.look(_again(picture(1))), looker.look(picture(2))
    assert first.change == 0.0
    assert differing_bits(first.gradient_hash, same.gradient_hash) <= 3
    assert same.change < 0.01 < 0.06 < other.change
    assert differing_bits(first.gradient_hash, other.gradient_hash) > 15
    assert looker.look(b"no picture") == NO_PICTURE == looker.look(picture(1)[:500])


def _again(jpeg: bytes) -> bytes:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
