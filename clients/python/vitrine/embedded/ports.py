"""Free ports on the loopback interface."""

from __future__ import annotations

import contextlib
import socket

LOOPBACK = "127.0.0.1"
_EDGE_PORT = 8080


def free_ports(count: int) -> list[int]:
    """Finds TCP ports that nobody listens on.

    All are held open until the last is found, so they differ. The kernel hands out ephemeral ports in changing order,
    so it is rare that somebody else takes one between this call and its use; callers still retry a failed start.

    Args:
        count: How many.

    Returns:
        The ports.
    """
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


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
