"""The published stack rebuilt, for `frames.py`: FastAPI WebSocket, every frame decoded in full, scikit-image for SSIM.

    python bench/_frames_published.py PORT default|THREADS

With `default`, OpenCV keeps as many threads as it takes by itself, one per core: the published code does not say. The
event loop is asyncio's, as in ours.
"""

import contextlib
import json
import sys

import cv2
import numpy as np
import numpy.typing as npt
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from skimage.metrics import structural_similarity

_THUMBNAIL_PX = (160, 120)


class PublishedSelector:
    """Chooses keyframes as the published code does."""

    def __init__(self, *, every: bool) -> None:
        self._every = every
        self._reference: npt.NDArray[np.uint8] | None = None
        self._last_key_s = 0.0

    def is_key(self, jpeg: bytes, time_s: float) -> bool:
        color = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert color is not None
        gray = np.asarray(
            cv2.resize(cv2.cvtColor(color, cv2.COLOR_BGR2GRAY), _THUMBNAIL_PX, interpolation=cv2.INTER_AREA), np.uint8
        )
        if self._is_key(gray, time_s):
            self._reference, self._last_key_s = gray, time_s
            return True
        return False

    def _is_key(self, gray: npt.NDArray[np.uint8], time_s: float) -> bool:
        if self._reference is None:
            return True
        similarity = self._ssim(gray) if self._every else None
        elapsed_s = time_s - self._last_key_s
        if elapsed_s < 1.0:
            return False
        if elapsed_s >= 10.0:
            return True
        diff = np.mean(np.abs(gray.astype(np.float32) - self._reference.astype(np.float32))) / 255.0
        if diff < 0.06:
            return False
        return (self._ssim(gray) if similarity is None else similarity) <= 0.85

    def _ssim(self, gray: npt.NDArray[np.uint8]) -> float:
        return float(
            structural_similarity(
                self._reference, gray, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
        )


app = FastAPI()


@app.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """Answers each frame with JSON.

    Query: ``every=1`` computes SSIM on every frame, else the rule goes as far as it must (its short-circuit). Frames
    are taken to be 0.1 s apart, as from a client with timestamps.
    """
    await socket.accept()
    selector = PublishedSelector(every=socket.query_params.get("every") == "1")
    number = 0
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            data = await socket.receive_bytes()
            number += 1
            key = selector.is_key(data, number * 0.1)
            await socket.send_text(json.dumps({"type": "ack", "frame": number, "is_keyframe": key}))


if __name__ == "__main__":
    if sys.argv[2] != "default":
        cv2.setNumThreads(int(sys.argv[2]))
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", ws_max_size=1 << 24)
