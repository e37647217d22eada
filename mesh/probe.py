"""``python -m mesh.probe``: asks the server of this container whether it serves; the health check of every image.

Exit status 0 when it does, 1 when it does not or cannot be reached.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_TIMEOUT_S = 3.0


def serves(target: str, *, timeout_s: float = _TIMEOUT_S) -> bool:
    """Asks a gRPC server for its health.

    Args:
        target: ``host:port``.
        timeout_s: How long to wait for the answer, in seconds.

    Returns:
        Whether it says SERVING.
    """
    with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # the stub file of this package has no methods
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def main(variables: Sequence[str], environment: Mapping[str, str]) -> int:
    """Probes the port that an environment variable names.

    Args:
        variables: Name of the variable; `VITRINE_GRPC_PORT` when empty.
        environment: The environment of the container.

    Returns:
        The exit status.
    """
    name = variables[0] if variables else "VITRINE_GRPC_PORT"
    port = environment.get(name, "")
    if not port.isdecimal():
        sys.stderr.write(f"probe: expected a port in {name}, got {port!r}\n")
        return 1
    return 0 if serves(f"127.0.0.1:{port}") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
