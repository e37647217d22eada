"""Real clips for `keyframes.py`: a folder of videos, and a manifest that says where their cuts are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2

from bench._keyframes_camera import NS, Clip

_LONG_SIDE_PX, _QUALITY = 640, 75
_MAX_FRAMES = 1_200


def real_clips(folder: Path) -> Iterator[Clip]:
    """Reads the clips whose cuts are known, as a phone would send them: JPEG, 640 pixels on the longer side.

    Args:
        folder: With manifest.json: a list of `{"file", "ground_truth": {"cuts_frame": [...]}}`; a cut is the first
            frame of what comes after it.
    """
    for entry in json.loads((folder / "manifest.json").read_text()):
        cuts = entry.get("ground_truth", {}).get("cuts_frame")
        if cuts is not None:
            yield _read(folder / Path(entry["file"]).name, cuts)


def _read(path: Path, cuts: list[int]) -> Clip:
    capture = cv2.VideoCapture(str(path))
    fps = capture.get(cv2.CAP_PROP_FPS)
    clip = Clip(path.stem, "video", changes_s=[(cut / fps, cut / fps) for cut in cuts])
    while len(clip.jpegs) < _MAX_FRAMES:
        there, image = capture.read()
        if not there:
            break
        scale = _LONG_SIDE_PX / max(image.shape[:2])
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        clip.times_ns.append(NS + round(len(clip.jpegs) / fps * NS))
        clip.jpegs.append(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
    capture.release()
    return clip
