"""Envoy as a process of the mesh on one machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vitrine.embedded.children import ChildSpec
from vitrine.embedded.home import Home
from vitrine.embedded.keys import MeshKeys
from vitrine.embedded.plan import MeshOptions, Replica, base_environment
from vitrine.embedded.ports import LOOPBACK, free_ports

from edge_proxy.__main__ import envoy_path
from edge_proxy.render import render
from edge_proxy.settings import EdgeSettings


@dataclass(frozen=True, slots=True)
class EdgePorts:
    """Ports of the edge.

    Attributes:
        public: For everybody.
        admin: Envoy's admin pages.
        metrics: For Prometheus.
    """

    public: int
    admin: int
    metrics: int


def choose_edge_ports(wished: int | None = None) -> EdgePorts:
    """Chooses ports.

    Args:
        wished: The public port; a free one when None.
    """
    public, admin, metrics = free_ports(3)
    return EdgePorts(wished or public, admin, metrics)


def envoy_spec(
    replicas: list[Replica], home: Home, keys: MeshKeys, ports: EdgePorts, options: MeshOptions
) -> ChildSpec:
    """Renders Envoy's bootstrap into the mesh's folder and writes down how Envoy is started.

    Args:
        replicas: All processes of the services.
        home: The mesh's folder.
        keys: The mesh's keys.
        ports: Ports of the edge.
        options: How the mesh is to be.
    """
    targets: dict[str, Any] = {
        f"{kind}_targets": tuple(replica.target for replica in replicas if replica.kind == kind)
        for kind in ("ingest", "vision", "retrieval", "profile")
    }
    doors = [replica.ports["http"] for replica in replicas if replica.kind == "ingest"]
    settings: dict[str, Any] = {
        "port": ports.public, "admin_port": ports.admin, "metrics_port": ports.metrics, "jwks": str(keys.jwks),
        "dashboard": options.dashboard, "health_interval_s": 0.5, "access_log": str(home.logs / "access.log"),
        **targets, "ingest_http_targets": tuple(f"{LOOPBACK}:{port}" for port in doors), **options.edge_settings,
    }  # fmt: skip
    home.envoy.write_text(render(EdgeSettings(**settings)))
    arguments = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warn", "--drain-time-s", "1"]
    arguments += ["--file-flush-interval-msec", "500", "--component-log-level", "misc:error"]
    return ChildSpec(
        name="envoy", command=[envoy_path(), "-c", str(home.envoy), *arguments], environment=base_environment(),
        ports={"edge": ports.public, "admin": ports.admin, "metrics": ports.metrics},
        log=home.logs / "envoy.log", directory=home.path,
    )  # fmt: skip
