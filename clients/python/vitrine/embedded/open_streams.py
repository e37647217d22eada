"""How many live streams each process of a running mesh has open, as its own metrics say."""

from __future__ import annotations

import urllib.error
import urllib.request

from vitrine.embedded.ports import LOOPBACK
from vitrine.embedded.state import ProcessState

_TIMEOUT_S = 2.0
_METRIC = 'vitrine_sessions{kind="stream"'


def open_streams(process: ProcessState) -> int | None:
    """Asks a process of ingest.

    Args:
        process: The process.

    Returns:
        How many streams it has open, over gRPC and WebSocket; None where it serves none, or does not answer.
    """
    if "metrics" not in process.ports or process.name.partition("-")[0] != "ingest":
        return None
    try:
        with urllib.request.urlopen(_url(process), timeout=_TIMEOUT_S) as answer:  # noqa: S310 - always http
            return _count(answer.read().decode())
    except (OSError, urllib.error.URLError):
        return None


def _url(process: ProcessState) -> str:
    return f"http://{LOOPBACK}:{process.ports['metrics']}/metrics"


def _count(text: str) -> int:
    """Reads Prometheus' text format; a process that has had no stream yet does not name the metric."""
    values = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(_METRIC)]
    return round(sum(float(value) for value in values))
