"""What the chaos suite is asked to do: how long streams last, and how strictly the clock is read."""

from __future__ import annotations

import os

# `make chaos` takes 30 s streams, as the acceptance has it; the default suite has less time.
SECONDS = float(os.environ.get("VITRINE_CHAOS_SECONDS", "7"))
STRICT = "VITRINE_CHAOS_SECONDS" in os.environ
FPS = 10
# From the service being back to the first new word. A loaded machine, as in CI, gets room.
RECOVERY_S = 3.0 if STRICT else 15.0
