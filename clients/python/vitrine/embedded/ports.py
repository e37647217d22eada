"""Free ports on the loopback interface."""

from __future__ import annotations

import contextlib
import secrets
import socket

LOOPBACK = "127.0.0.1"
_EDGE_PORT = 8080
# Below what Linux gives to outgoing connections (32768 to 60999 by default): one of those takes no port that we have
# found and not used yet.
_FIRST_PORT, _PORTS = 20_000, 12_768
_ATTEMPTS = 500


def free_ports(count: int) -> list[int]:
    """Finds TCP ports that nobody listens on.

    All are held open until the last is found, so they differ. They are drawn at random where no outgoing connection
    can take one between this call and its use; another caller may, rarely, so callers still retry a failed start.

    Args:
        count: How many.

    Returns:
        The ports.
    """
    with contextlib.ExitStack() as held:
        return [_bound(held.enter_context(socket.socket())) for _ in range(count)]


def _bound(listener: socket.socket) -> int:
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(OSError):
            listener.bind((LOOPBACK, _FIRST_PORT + secrets.randbelow(_PORTS)))
            return int(listener.getsockname()[1])
    listener.bind((LOOPBACK, 0))  # on a machine so full, the kernel's choice is as good
    return int(listener.getsockname()[1])


def free_port() -> int:
    """Finds one TCP port that nobody listens on."""
    return free_ports(1)[0]


def is_free(port: int) -> bool:
    """Tells whether a TCP port of the loopback interface can be bound now.

    Args:
        port: The port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def usual_edge_port(wished: int | None) -> int:
    """Gives the wished public port, else 8080 when it is free, else any free one.

    Args:
        wished: The port that the user asked for.
    """
    if wished:
        return wished
    return _EDGE_PORT if is_free(_EDGE_PORT) else free_port()
