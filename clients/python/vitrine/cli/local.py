"""Commands for the mesh on this machine."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from vitrine.cli.importing import run_import
from vitrine.cli.output import as_json, console, errors
from vitrine.cli.processes import plain_state, status_table
from vitrine.cli.session import EXIT_FAILED, EXIT_NOT_RUNNING, EXIT_USAGE, Session, no_mesh
from vitrine.embedded.home import Home
from vitrine.embedded.keys import DEV_USER, ensure_keys, load_keys
from vitrine.embedded.launch import LaunchError, launch, shut_down
from vitrine.embedded.plan import parse_replicas
from vitrine.embedded.ports import is_free
from vitrine.embedded.state import LocalMesh, read_state
from vitrine.sdk import CatalogSource

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class LogLevel(StrEnum):
    """How much the services log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Role(StrEnum):
    """What a token may carry beside its user."""

    OPERATOR = "operator"
    SERVICE = "service"


def up(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the edge; 8080 when it is free.")] = None,
    replicas: Annotated[
        str, typer.Option(envvar="VITRINE_REPLICAS", help="More processes, for example ingest=2,vision=2.")
    ] = "",
    log_level: Annotated[LogLevel, typer.Option(help="How much the services log.")] = LogLevel.INFO,
) -> None:
    """Start the whole mesh on this machine, in the background."""
    session: Session = context.obj
    mesh = start_mesh(session, port=port, replicas=_replicas(replicas, session), log_level=log_level)
    if session.json_output:
        as_json(plain_state(mesh.state))
        return
    console.print(f"[green]ready[/] after {mesh.state.ready_after_s:.1f} s at [bold]{mesh.state.edge_url}[/]")
    console.print("`vitrine status` shows the processes, `vitrine token` makes a token, `vitrine down` ends it all.")


def _replicas(text: str, session: Session) -> dict[str, int]:
    try:
        return parse_replicas(text)
    except ValueError as error:
        session.fail(f"--replicas: {error}", EXIT_USAGE)


def start_mesh(
    session: Session,
    *,
    port: int | None = None,
    replicas: Mapping[str, int] | None = None,
    log_level: LogLevel = LogLevel.INFO,
) -> LocalMesh:
    """Starts the mesh with a spinner.

    Args:
        session: The shared options.
        port: Port of the edge.
        replicas: How many processes of each kind.
        log_level: Log level of all services.

    Raises:
        typer.Exit: It does not start; the reason is printed.
    """
    if port is not None and not is_free(port):
        session.fail(f"port {port} is taken; choose another with --port, or leave it out for a free one", EXIT_FAILED)
    try:
        with errors.status("starting") as status:
            return launch(
                Home.find(), port=port, replicas=replicas, log_level=log_level.value, on_progress=status.update
            )
    except LaunchError as error:
        session.fail(str(error), EXIT_FAILED)


def down(context: typer.Context) -> None:
    """End the mesh on this machine: exactly its own processes."""
    session: Session = context.obj
    with errors.status("stopping"):
        ran = shut_down(Home.find())
    if session.json_output:
        as_json({"stopped": ran})
    else:
        console.print("stopped" if ran else f"No mesh ran in {Home.find().path}.", highlight=False)


def status(context: typer.Context) -> None:
    """Show the processes of the mesh: ports, memory, open streams, restarts."""
    session: Session = context.obj
    state = read_state(Home.find().state)
    if state is None:
        session.fail(no_mesh(), EXIT_NOT_RUNNING)
    if session.json_output:
        as_json(plain_state(state))
    else:
        console.print(status_table(state))
        console.print(f"edge [bold]{state.edge_url}[/]   Envoy's admin pages {state.admin_url}")
        console.print(f"logs {Home.find().logs}", markup=False, highlight=False)
        if state.message:
            console.print(state.message, style="yellow", markup=False, highlight=False)
    if not state.is_running or any(each.process() is None for each in state.processes):
        raise typer.Exit(EXIT_NOT_RUNNING)


def token(
    context: typer.Context,
    user: Annotated[str, typer.Option(help="Whose token: the owner of users/{user}.")] = DEV_USER,
    role: Annotated[list[Role] | None, typer.Option(help="A role. May be given more than once.")] = None,
    ttl: Annotated[str, typer.Option(help="Lifetime: 90s, 30m, 12h, 7d.")] = "12h",
    key_folder: Annotated[
        Path | None,
        typer.Option("--keys", exists=True, file_okay=False, help="Folder that `vitrine keys` has written."),
    ] = None,
) -> None:
    """Print a development token for the mesh on this machine, or for one in containers (--keys)."""
    session: Session = context.obj
    match = re.fullmatch(r"(\d+)([smhd])", ttl)
    if match is None:
        session.fail(f"--ttl: expected 90s, 30m, 12h or 7d, got {ttl!r}", EXIT_USAGE)
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,64}", user):
        session.fail(
            f"--user: expected up to 64 letters, digits, dots, dashes and underscores, got {user!r}", EXIT_USAGE
        )
    ttl_s = int(match[1]) * _UNITS_S[match[2]]
    try:
        own = load_keys(key_folder or Home.find().keys)
    except FileNotFoundError as error:
        session.fail(*((str(error), EXIT_USAGE) if key_folder else (no_mesh(), EXIT_NOT_RUNNING)))
    roles = [each.value for each in role or ()]
    made = own.token(user, roles, ttl_s)
    if session.json_output:
        as_json({"token": made, "user": f"users/{user}", "roles": roles, "ttlS": ttl_s})
    else:
        typer.echo(made)


def keys(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("secrets"),
) -> None:
    """Make a key pair for tokens, one for the services, and the key set; for containers and clusters."""
    session: Session = context.obj
    made = ensure_keys(out)
    files = {"issuerKey": made.folder / "issuer-key.pem", "serviceKey": made.service_key_file, "jwks": made.jwks}
    if session.json_output:
        as_json({kind: str(path) for kind, path in files.items()})
        return
    for path in files.values():
        typer.echo(str(path))


def catalog_demo(
    context: typer.Context,
    count: Annotated[int, typer.Option(min=1, max=5000, help="How many products.")] = 420,
) -> None:
    """Draw a catalogue of garments and import it."""
    session: Session = context.obj
    source = draw_catalog(Home.find().make(), count)
    session.run(
        lambda mesh: run_import(mesh, source, dry_run=False, json_output=session.json_output), roles=("operator",)
    )


def draw_catalog(home: Home, count: int) -> CatalogSource:
    """Draws the demo catalogue, once.

    Args:
        home: The mesh's folder; the catalogue goes below it.
        count: How many products.

    Raises:
        typer.Exit: It cannot be drawn; the reason is printed.
    """
    folder = home.path / f"demo-catalog-{count}"
    rows = folder / "catalog.jsonl"
    if not rows.exists():
        command = [sys.executable, "-m", "retrieval_svc.catalog.demo", "--out", str(folder), "--count", str(count)]
        with errors.status(f"drawing {count} garments (once)"):
            run = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - no shell
        if run.returncode != 0:
            errors.print(run.stderr[-1000:], markup=False, highlight=False)
            raise typer.Exit(EXIT_FAILED)
    return CatalogSource(rows)
