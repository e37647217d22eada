"""The processes of a mesh as `vitrine status` shows them."""

from __future__ import annotations

import time
from typing import Any

import psutil
from rich.box import SIMPLE_HEAD
from rich.table import Table
from vitrine.embedded.open_streams import open_streams
from vitrine.embedded.state import MeshState, ProcessState


def status_table(state: MeshState) -> Table:
    """Shows each process: its ports, memory, open streams and restarts.

    Args:
        state: What the mesh says of itself.
    """
    alive = "[green]running[/]" if state.is_running else "[red]not running[/]"
    table = Table(title=f"{state.phase}, supervisor {alive}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("process", "pid", "ports", "memory", "streams", "up", "restarts"):
        table.add_column(column, justify="left" if column in {"process", "ports"} else "right")
    total = 0.0
    streams = {each.name: open_streams(each) for each in state.processes}
    for each in [*state.processes, state.supervisor]:
        memory = each.memory_mib()
        total += memory or 0.0
        ports = "  ".join(f"{use} {number}" for use, number in each.ports.items())
        size = "[red]down[/]" if memory is None else f"{memory:.0f} MiB"
        table.add_row(
            each.name, str(each.pid or ""), ports, size, _shown(streams.get(each.name)), _uptime(each),
            str(each.restarts),
        )  # fmt: skip
    table.add_section()
    table.add_row("all", "", "", f"{total:,.0f} MiB", str(sum(filter(None, streams.values()))), "", "")
    return table


def _shown(count: int | None) -> str:
    return "" if count is None else str(count)


def _uptime(each: ProcessState) -> str:
    process = each.process()
    if process is None:
        return ""
    seconds = max(0.0, time.time() - _created(process))
    unit, size = next((it for it in (("d", 86400), ("h", 3600), ("min", 60)) if seconds >= 2 * it[1]), ("s", 1))
    return f"{seconds / size:.0f} {unit}"


def _created(process: psutil.Process) -> float:
    return float(process.create_time())


def plain_state(state: MeshState) -> dict[str, Any]:
    """Returns the state for JSON: without the database's password, with memory and open streams of each process.

    Args:
        state: What the mesh says of itself.
    """
    plain = state.model_dump(exclude={"database_url"})
    for each, shown in zip(state.processes, plain["processes"], strict=True):
        shown["memory_mib"] = each.memory_mib()
        shown["open_streams"] = open_streams(each)
    return plain | {"running": state.is_running}
