"""What a camera shall give now: the server's advice, on its way from the stream to the source of frames."""

from __future__ import annotations

import math

from vitrine.ingest.v1 import stream_service_pb2 as pb


class Camera:
    """Upper limits for rate, size and quality that change while frames are taken; at first there are none.

    A source of frames asks it before each frame. `FrameStream` tells it what the server advises.

    Attributes:
        advice: The advice in force; None where there is none.
        asked: Whether anything takes its frames by it.
    """

    def __init__(self) -> None:
        self.advice: pb.QualityAdvice | None = None
        self.asked = False

    def obey(self, advice: pb.QualityAdvice) -> None:
        """Takes advice, in place of earlier advice.

        Args:
            advice: From the server; what is not set in it is not limited.
        """
        self.advice = pb.QualityAdvice()
        self.advice.CopyFrom(advice)

    def release(self) -> None:
        """Lifts all limits: the connection that advised them has ended."""
        self.advice = None

    def fps(self, own: float) -> float:
        """Returns the frames per second to give.

        Args:
            own: What would be given without advice.
        """
        self.asked = True
        return min(own, _limit(0.0 if self.advice is None else self.advice.frame_rate_fps))

    def long_side_px(self, own: int) -> int:
        """Returns the pixels on the longer side; the argument is as of `fps`."""
        return int(min(own, _limit(0 if self.advice is None else self.advice.long_side_px)))

    def jpeg_quality(self, own: int) -> int:
        """Returns the JPEG quality, 1-100; the argument is as of `fps`."""
        return int(min(own, _limit(0 if self.advice is None else self.advice.jpeg_quality)))


def _limit(value: float) -> float:
    return value if value > 0 else math.inf
