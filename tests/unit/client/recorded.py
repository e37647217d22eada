"""Recordings and pictures made for a test."""

from __future__ import annotations

import cv2
import numpy as np
from vitrine.sdk.recording_file import Record
from vitrine.sdk.recording_session import RecordedSession

HEAD: Record = {"t": "head", "source": {"fps": 10.0}}


def session(ends: dict[int, str], *, count: int = 0, changes: dict[int, float] | None = None) -> RecordedSession:
    """A recording at ten frames a second: what is not said to have ended otherwise showed the same scene."""
    records: list[Record] = [HEAD]
    total = count or max(ends)
    for number in range(1, total + 1):
        at = (number - 1) / 10
        records.append(
            {"t": "frame", "n": number, "captured": at, "sent": at, "change": (changes or {}).get(number, 0.0)}
        )
        outcome, _, why = ends.get(number, "skipped_same_scene").partition(" ")
        records.append({"t": "ack", "at": at, "n": number, "outcome": outcome, **({"why": why} if why else {})})
    records.append({"t": "stats", "totals": {"highest_frame_number": total, "received_count": total}})
    records.append({"t": "end", "ended_well": True, "numbered": total, "sent": total})
    return RecordedSession.of(records)


def picture(seed: int, side: int = 160) -> bytes:
    """Draws cells of colour as JPEG; another seed, other colours."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(cells, (side, side * 3 // 4), interpolation=cv2.INTER_CUBIC))[1].tobytes()
