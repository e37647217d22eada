"""How long models take: for `ListModels` and for Prometheus."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

_WINDOW = 512

Observe = Callable[[str, str, float], None]

_part: ContextVar[dict[tuple[str, str], None] | None] = ContextVar("models_taking_part", default=None)


@dataclass(frozen=True)
class Latency:
    """Times of one model.

    Attributes:
        calls: Calls since the start.
        p50_ms: Median over the latest 512 calls, milliseconds; 0 before the first.
        p95_ms: 95th percentile.
        p99_ms: 99th percentile.
    """

    calls: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0


@contextmanager
def taking_part() -> Iterator[dict[tuple[str, str], None]]:
    """Collects which models are measured within a `with`: `(task, model)`, in the order in which they were done."""
    seen: dict[tuple[str, str], None] = {}
    token = _part.set(seen)
    try:
        yield seen
    finally:
        _part.reset(token)


class LatencyRecorder:
    """Keeps the latest times of each (task, model). Safe for use from several threads."""

    def __init__(self, observe: Observe | None = None) -> None:
        """Makes a recorder.

        Args:
            observe: Told every time as `(task, model, seconds)`, for example to feed a histogram.
        """
        self._observe = observe
        self._times_s: dict[tuple[str, str], deque[float]] = {}
        self._calls: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    @contextmanager
    def measure(self, task: str, model: str) -> Iterator[None]:
        """Times the body of a `with`, for `taking_part` too; a body that raises is not counted."""
        start = time.perf_counter()
        yield
        self.record(task, model, time.perf_counter() - start)
        seen = _part.get()
        if seen is not None:
            seen[task, model] = None

    def record(self, task: str, model: str, seconds: float) -> None:
        """Adds one time in seconds."""
        with self._lock:
            self._times_s.setdefault((task, model), deque(maxlen=_WINDOW)).append(seconds)
            self._calls[task, model] = self._calls.get((task, model), 0) + 1
        if self._observe is not None:
            self._observe(task, model, seconds)

    def latency(self, task: str, model: str) -> Latency:
        """Returns what is known of a model."""
        with self._lock:
            times = np.array(self._times_s.get((task, model), ()), np.float64)
            calls = self._calls.get((task, model), 0)
        if not times.size:
            return Latency()
        p50, p95, p99 = (float(value) * 1000 for value in np.percentile(times, (50, 95, 99)))
        return Latency(calls, p50, p95, p99)
