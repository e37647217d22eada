"""Commands that talk to a mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn
from vitrine.board import gather
from vitrine.cli import views
from vitrine.cli.boards import check_board, save_board, tell_board
from vitrine.cli.output import as_json, console, errors, show_failure
from vitrine.cli.session import EXIT_FAILED, EXIT_USAGE, Session
from vitrine.ingest.v1 import capture_pb2
from vitrine.profile.v1 import profile_service_pb2
from vitrine.sdk import RpcFailure, Vitrine
from vitrine.words import counted

# An option of `capture` and `stream`.
Impersonal = Annotated[
    bool, typer.Option("--impersonal", help="Rank products as for anybody: without your taste, sizes and budget.")
]


def _session(context: typer.Context) -> Session:
    session: Session = context.obj
    return session


async def follow_capture(
    mesh: Vitrine, image: bytes, *, cropped: bool, quiet: bool, impersonal: bool = False
) -> capture_pb2.Capture:
    """Sends a photo and follows it to its end with a progress bar.

    Args:
        mesh: The client.
        image: The photo.
        cropped: Take the whole picture.
        quiet: Show no bar.
        impersonal: Rank products as for anybody.
    """
    capture = await mesh.capture(image, cropped=cropped, impersonal=impersonal)
    columns = (TextColumn("{task.description:10}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as progress:
        task = progress.add_task("queued", total=100)
        async for capture in mesh.follow(capture.name):  # noqa: B020  the newest state replaces the one before
            progress.update(task, completed=capture.progress_percent, description=capture.stage)
    return capture


def capture(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A JPEG, PNG or WebP photo.")],
    reticle: Annotated[
        bool, typer.Option("--reticle", help="Take only the middle, as a phone's reticle frames it; else all of it.")
    ] = False,
    impersonal: Impersonal = False,
    board: Annotated[
        Path | None, typer.Option(help="Save one picture of it all here: masks, colours, products, taste (.png).")
    ] = None,
) -> None:
    """Capture a photo of an outfit: garments, products like them, and what it does to your taste."""
    session = _session(context)
    check_board(board, session)

    async def work(mesh: Vitrine) -> None:
        done = await follow_capture(
            mesh, photo.read_bytes(), cropped=not reticle, quiet=session.json_output, impersonal=impersonal
        )
        if session.json_output:
            as_json(done)
        else:
            show_capture(done)
        if done.state != capture_pb2.Capture.STATE_SUCCEEDED:
            raise typer.Exit(EXIT_FAILED)
        if board is not None:
            await save_board(await gather(mesh, done), board)
            tell_board(board, json_output=session.json_output)

    session.run(work)


def show_capture(done: capture_pb2.Capture) -> None:
    """Prints a finished capture."""
    if done.state != capture_pb2.Capture.STATE_SUCCEEDED:
        errors.print(f"{done.name} {capture_pb2.Capture.State.Name(done.state).removeprefix('STATE_').lower()}")
        if done.HasField("error"):
            show_failure(RpcFailure.of_status(done.error), json_output=False)
        return
    console.print(f"[bold]{done.name}[/]  faces blurred in {counted(done.blurred_face_count, 'place')}")
    console.print(views.garments_table(done.outfit.garments))
    console.print(views.matches_table(done.outfit.garments, done.outfit.matches))
    if done.outfit.HasField("taste_change"):
        console.print(views.attributions_table(done.outfit.taste_change.attributions))
        console.print(views.radar_table(done.outfit.taste_change.after, done.outfit.taste_change.before))
    console.print(views.models_line(done.models))
    if done.degraded:
        console.print(f"without: {', '.join(done.degraded_parts)}", style="yellow", markup=False)


def undo(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="CAPTURE", help="A capture or a sighting: its name, or its id alone.")],
) -> None:
    """Take back what an outfit did to your taste.

    The taste becomes what it would be had the outfit never been seen; the capture itself stays.
    """
    session = _session(context)

    async def work(mesh: Vitrine) -> None:
        if name.rpartition("/")[0] not in ("", f"{mesh.user}/captures", f"{mesh.user}/sightings"):
            session.fail(f"Give a capture or a sighting of {mesh.user}, or its id alone, not {name!r}.", EXIT_USAGE)
        done = await mesh.undo(name)
        if session.json_output:
            as_json(done)
        elif done.duplicate:
            console.print("It was taken back before; nothing changed.", style="yellow")
        else:
            console.print(views.taste_change(done.change))

    session.run(work)


def profile(context: typer.Context) -> None:
    """Show your profile: taste, ways of dressing, preferences."""
    session = _session(context)

    async def work(mesh: Vitrine) -> None:
        found, tastes = await mesh.profile(), await mesh.tastes()
        if session.json_output:
            as_json(found)
            as_json(profile_service_pb2.ListTastesResponse(tastes=tastes))
        else:
            console.print(views.profile_view(found))
            console.print(views.tastes_table(tastes))

    session.run(work)


def watch(context: typer.Context) -> None:
    """Follow your profile as it changes, until Ctrl-C."""
    session = _session(context)

    async def work(mesh: Vitrine) -> None:
        async for message in mesh.watch_profile():
            _show_change(message, json_output=session.json_output)

    session.run(work)


def _show_change(message: profile_service_pb2.WatchProfileResponse, *, json_output: bool) -> None:
    kind = message.WhichOneof("event")
    if json_output:
        as_json(message)
    elif kind == "snapshot":
        console.print(views.profile_view(message.snapshot.profile))
    elif kind == "taste_change":
        console.print(views.taste_change(message.taste_change))
    elif kind != "heartbeat":
        console.print(f"{(kind or '').replace('_', ' ')}", style="dim")
