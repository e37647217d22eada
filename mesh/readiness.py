"""Whether this process takes calls: not before its start-up is done, and not once it is told to stop."""

from __future__ import annotations

import asyncio
import enum

from mesh.errors import UnavailableError


class Phase(enum.Enum):
    """Where a process is in its life."""

    STARTING = "starting"
    SERVING = "serving"
    STOPPING = "stopping"


class Readiness:
    """The phase of this process.

    Attributes:
        phase: The current one.
        stopping: Set once the process shuts down; long streams watch it and say goodbye.
    """

    def __init__(self) -> None:
        self.phase = Phase.STARTING
        self.stopping = asyncio.Event()

    def serve(self) -> None:
        """Takes calls from now on."""
        if self.phase is Phase.STARTING:
            self.phase = Phase.SERVING

    def stop(self) -> None:
        """Tells long streams to end; calls are still taken until the server closes."""
        self.stopping.set()

    def refuse(self) -> None:
        """Takes no new calls from now on."""
        self.phase = Phase.STOPPING

    def check(self) -> None:
        """Refuses a call that comes at a wrong time.

        Raises:
            UnavailableError: DEPENDENCY_UNAVAILABLE while starting, SHUTTING_DOWN while stopping.
        """
        if self.phase is Phase.STARTING:
            raise UnavailableError(
                "the service is starting", "DEPENDENCY_UNAVAILABLE", {"dependency": "startup"}, retry_after_s=1.0
            )
        if self.phase is Phase.STOPPING:
            raise UnavailableError("the service is shutting down", "SHUTTING_DOWN", retry_after_s=1.0)
