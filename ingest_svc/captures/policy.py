"""How often a capture is tried. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ingest_svc.captures.capture import retry_delay

# Whose address a summary goes to: that of the settings, or that of the profile.
SERVICE = "service"
USER = "user"


@dataclass(frozen=True, slots=True)
class Policy:
    """How often to try.

    Attributes:
        max_attempts: Attempts before a capture fails, those of killed workers included.
        degrade_after: Attempts after which it succeeds without products or taste, when only these are missing.
        retry_first_s: Wait after the first failed attempt, in seconds.
        retry_longest_s: Longest wait, in seconds.
        taste_longest_s: Longest wait between two attempts at telling the profile of a capture that succeeded without
            it, in seconds; the first one is `retry_first_s`.
        summaries: Who gets a summary of a processed capture: ``service``, ``user``.
    """

    max_attempts: int = 8
    degrade_after: int = 4
    retry_first_s: float = 1.0
    retry_longest_s: float = 30.0
    taste_longest_s: float = 60.0
    summaries: tuple[str, ...] = ()

    def wait(self, attempt: int, jitter: float) -> timedelta:
        """Returns how long to wait after a failed attempt, as `retry_delay` has it.

        Args:
            attempt: The attempt, from 1.
            jitter: A random number, 0-1.
        """
        return retry_delay(attempt, first_s=self.retry_first_s, longest_s=self.retry_longest_s, jitter=jitter)
