"""Whether this process has work enough: a server that takes one stream too many takes it from all the others."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import structlog

from mesh.errors import ResourceExhaustedError
from mesh.seats import soon

_SAMPLE_S = 0.1
# Samples of so long, but at least so many, are judged together, by their median: one long step of the loop, or many
# streams that begin in the same moment, are no overload.
_WINDOW_S = 2.0
_FEWEST = 5
# Streams are taken again below this share of a limit: at the limit itself each that comes would shut the door again.
_CALM_SHARE = 0.5
_RETRY_AFTER_S = 2.0


class Gauge(Protocol):
    """Where a value is shown, such as a Prometheus gauge."""

    def set(self, value: float) -> None:
        """Takes the value."""


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """From when on a process counts as overloaded.

    Attributes:
        max_loop_lag_s: How late the event loop comes to what is due, seconds.
        max_waiting_pictures: Pictures that wait to be decoded, or are being decoded.
    """

    max_loop_lag_s: float = 0.5
    max_waiting_pictures: int = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one time.

    Attributes:
        at_s: When, on a clock that never falls.
        lag_s: How late the loop was.
        pictures: How many pictures waited.
    """

    at_s: float
    lag_s: float
    pictures: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """One kind of load over the last samples.

    Attributes:
        setting: Its limit's name.
        value: How much there is.
        limit: How much there may be.
    """

    setting: str
    value: float
    limit: float

    @property
    def share(self) -> float:
        """Of the limit."""
        return self.value / self.limit


class Load:
    """Measures the load, and refuses new streams while there is too much of it, with hysteresis.

    Attributes:
        refusing: Whether it refuses them now.
        lag_s: How late the event loop comes, the median of two seconds; seconds.
    """

    def __init__(
        self,
        limits: LoadLimits,
        waiting_pictures: Callable[[], int],
        *,
        lag_gauge: Gauge | None = None,
        refusing_gauge: Gauge | None = None,
    ) -> None:
        """Describes the limits.

        Args:
            limits: The limits.
            waiting_pictures: Tells how many pictures wait now.
            lag_gauge: Where the loop's lag is shown, seconds.
            refusing_gauge: Where it is shown whether new streams are refused, 0 or 1.
        """
        self._limits = limits
        self._waiting_pictures = waiting_pictures
        self._lag_gauge = lag_gauge
        self._refusing_gauge = refusing_gauge
        self._samples: deque[Sample] = deque()
        self._log = structlog.get_logger("ingest.streams")
        self.refusing = False
        self.lag_s = 0.0

    async def watch(self) -> None:
        """Samples the load until it is cancelled."""
        while True:
            began_s = time.monotonic()
            await asyncio.sleep(_SAMPLE_S)
            now_s = time.monotonic()
            self.note(Sample(now_s, max(0.0, now_s - began_s - _SAMPLE_S), self._waiting_pictures()))

    def note(self, sample: Sample) -> None:
        """Takes a sample.

        Args:
            sample: The newest.
        """
        samples = self._samples
        samples.append(sample)
        while len(samples) > _FEWEST and samples[0].at_s < sample.at_s - _WINDOW_S:
            samples.popleft()
        self.lag_s = median(it.lag_s for it in samples)
        worst = self._worst()
        if self._lag_gauge is not None:
            self._lag_gauge.set(self.lag_s)
        if not self.refusing and len(samples) >= _FEWEST and worst.share > 1.0:
            self._turn(worst, refusing=True)
        elif self.refusing and worst.share < _CALM_SHARE:
            self._turn(worst, refusing=False)

    def check(self) -> None:
        """Lets a new stream in.

        Raises:
            ResourceExhaustedError: CAPACITY_REACHED; its metadata name the `setting` whose limit is passed.
        """
        if not self.refusing:
            return
        worst = self._worst()
        raise ResourceExhaustedError(
            f"this server is too busy for another stream ({worst.setting} is {worst.value:.3g} of {worst.limit:g})",
            "CAPACITY_REACHED",
            {
                "limit": f"{worst.limit:g}", "actual": f"{worst.value:.3g}", "scope": "server",
                "setting": worst.setting,
            },
            retry_after_s=soon(_RETRY_AFTER_S),
        )  # fmt: skip

    def _worst(self) -> Pressure:
        limits = self._limits
        return max(
            Pressure("max_loop_lag_s", self.lag_s, limits.max_loop_lag_s),
            Pressure("max_waiting_pictures", median(it.pictures for it in self._samples), limits.max_waiting_pictures),
            key=lambda pressure: pressure.share,
        )

    def _turn(self, worst: Pressure, *, refusing: bool) -> None:
        self.refusing = refusing
        if self._refusing_gauge is not None:
            self._refusing_gauge.set(float(refusing))
        tell = self._log.warning if refusing else self._log.info
        tell("overloaded" if refusing else "overload_over", setting=worst.setting, value=round(worst.value, 3))
