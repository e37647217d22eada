"""`vitrine demo`: the whole mesh at work on one picture, from camera frames to a taste profile."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.rule import Rule
from vitrine.board import BoardContent, gather, gather_keyframe
from vitrine.cli import views
from vitrine.cli.boards import check_board, save_board, tell_board
from vitrine.cli.clip import clip_of, encode, read_photo
from vitrine.cli.commands import follow_capture, show_capture
from vitrine.cli.importing import run_import
from vitrine.cli.local import draw_catalog, start_mesh
from vitrine.cli.output import as_json, console, errors
from vitrine.cli.session import EXIT_FAILED, EXIT_USAGE, Session
from vitrine.cli.streaming import describe, show_stream
from vitrine.embedded.home import Home
from vitrine.embedded.launch import shut_down
from vitrine.embedded.state import LocalMesh, load
from vitrine.ingest.v1 import capture_pb2
from vitrine.ingest.v1.stream_service_pb2 import ResultOptions
from vitrine.profile.v1 import profile_service_pb2, taste_pb2
from vitrine.retrieval.v1 import catalog_service_pb2
from vitrine.sdk import Camera, CameraFrame, FrameStream, RpcFailure, StreamSettings, Vitrine, frames_of

_PRODUCTS = 420
_INDEX_S = 90.0
_POLL_S = 0.5
_FPS = 10.0
_BOARD = "demo-board.png"
_ABOUT_SAMPLE = (
    "The picture is NASA's portrait of the astronaut Eileen Collins (public domain, from scikit-image), the only "
    "photograph of a person in colour that set-up brings. It ends at the waist: what is said about garments below is a "
    "guess. Your own shows more, from head to shoes: [bold]make demo PHOTO=me.jpg[/]"
)


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Stop the mesh afterwards instead of staying up.")] = False,
    photo: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Your own photo.")] = None,
    video: Annotated[str, typer.Option(help="Your own video file, or the number of a webcam.")] = "",
    board: Annotated[
        Path | None, typer.Option(help="Where to save one picture of it all; demo-board.png in the mesh's folder.")
    ] = None,
) -> None:
    """Start the mesh, stream a picture through it, and show what it saw, found and learnt."""
    session: Session = context.obj
    picture = photo or (None if video else sample_photo())
    try:  # before the mesh is started for nothing
        if video:
            describe(video, _FPS)
            asyncio.run(_begin(video))
        elif picture is not None:
            read_photo(picture)
        else:
            session.fail("No sample photograph is installed; give --photo or --video.", EXIT_USAGE)
    except (OSError, ValueError) as error:
        session.fail(str(error), EXIT_USAGE)
    if picture is not None and photo is None and not session.json_output:
        console.print(_ABOUT_SAMPLE)
    target = board or Home.find().make().path / _BOARD
    check_board(target, session)
    saved: list[Path] = []  # the board, once it is there
    running = load()
    local = running or start_mesh(session)
    try:
        Session("", "", tls=False, json_output=session.json_output).run(
            lambda mesh: _show(mesh, local, picture, video, _Board(target, saved), json_output=session.json_output),
            roles=("operator",),
        )
        if not once:
            _stay(local, saved, json_output=session.json_output)
    finally:
        if running is None:
            errors.print("stopping ...")
            shut_down(Home.find())
            errors.print("stopped")
        for file in saved:
            tell_board(file, json_output=session.json_output)


async def _begin(video: str) -> None:
    async with contextlib.aclosing(frames_of(video, fps=_FPS)) as frames:
        await anext(frames, None)


def sample_photo() -> Path | None:
    """Finds a photograph of a person in an installed package: Eileen Collins by NASA, public domain."""
    package = importlib.util.find_spec("skimage")  # only found: importing it takes a second
    if package is None or package.origin is None:
        return None
    photo = Path(package.origin).parent / "data/astronaut.png"
    return photo if photo.exists() else None


@dataclass(frozen=True, slots=True)
class _Board:
    """Where the picture of it all goes, and whether it is there."""

    path: Path
    saved: list[Path]

    async def save(self, content: BoardContent) -> None:
        await save_board(content, self.path)
        self.saved.append(self.path)


async def _show(
    mesh: Vitrine, local: LocalMesh, photo: Path | None, video: str, board: _Board, *, json_output: bool
) -> None:
    await _ensure_catalog(mesh, json_output=json_output)
    before = await _radar(mesh)
    pictures = ResultOptions(include_blurred_image=photo is None, include_masks=photo is None)
    stream = FrameStream(mesh, StreamSettings(source="demo", results=pictures))
    frames = _frames(photo, video, stream.camera)
    _headline(f"1. A camera stream through Envoy ({local.state.edge_url})", json_output=json_output)
    view = await show_stream(stream, frames, json_output=json_output)
    best = max(view.results, key=lambda result: len(result.garments), default=None)
    if best is not None and not json_output:
        console.print(views.garments_table(best.garments))
        console.print(views.matches_table(best.garments, best.matches))
    if photo is not None:
        _headline("2. The same photo as a capture: a job for the worker", json_output=json_output)
        done = await _capture(mesh, photo, json_output=json_output)
        await board.save(await gather(mesh, done, since=before))
    elif best is not None and best.blurred_image.data:
        await board.save(await gather_keyframe(mesh, stream.name, best, since=before))
    _headline(f"{2 if photo is None else 3}. What it did to the taste profile", json_output=json_output)
    after, tastes = await _radar(mesh), await mesh.tastes()
    if json_output:
        as_json({"radarBefore": _scores(before), "radarAfter": _scores(after)})
    else:
        console.print(views.radar_table(before, title="Before"))
        console.print(views.radar_table(after, before, title="After"))
        console.print(views.tastes_table(tastes))
    if not any(result.garments for result in view.results):
        errors.print("No garment was found in any keyframe; try a photo that shows a person from head to knee.")
        raise typer.Exit(EXIT_FAILED)


async def _ensure_catalog(mesh: Vitrine, *, json_output: bool) -> None:
    """Imports the demo catalogue into an empty shop and waits until search knows it."""
    listed = await mesh.catalog.ListProducts(catalog_service_pb2.ListProductsRequest(page_size=1))
    if listed.total_count == 0:
        source = await asyncio.to_thread(draw_catalog, Home.find(), _PRODUCTS)
        await run_import(mesh, source, dry_run=False, json_output=json_output)
    with errors.status("waiting for the search index"):
        deadline = asyncio.get_running_loop().time() + _INDEX_S
        while not await _is_searchable(mesh):
            if asyncio.get_running_loop().time() > deadline:
                errors.print("[yellow]The search index is not complete yet; going on without all of it.[/]")
                return
            await asyncio.sleep(_POLL_S)


async def _is_searchable(mesh: Vitrine) -> bool:
    try:
        return bool((await mesh.search_text("navy shirt", page_size=1)).matches)
    except RpcFailure as failure:
        if failure.reason in {"INDEX_NOT_READY", "DEPENDENCY_UNAVAILABLE", "MODEL_UNAVAILABLE"}:
            return False
        raise


async def _capture(mesh: Vitrine, photo: Path, *, json_output: bool) -> capture_pb2.Capture:
    image = encode(read_photo(photo))
    done = await follow_capture(mesh, image, cropped=True, quiet=json_output)
    if json_output:
        as_json(done)
    else:
        show_capture(done)
    if done.state != capture_pb2.Capture.STATE_SUCCEEDED:
        raise typer.Exit(EXIT_FAILED)
    return done


async def _radar(mesh: Vitrine) -> taste_pb2.Radar:
    answer = await mesh.profiles.GetRadar(profile_service_pb2.GetRadarRequest(name=f"{mesh.user}/radar"))
    return answer.radar


def _scores(radar: taste_pb2.Radar) -> dict[str, float]:
    return {axis.axis: round(axis.score, 2) for axis in radar.axes}


def _stay(local: LocalMesh, boards: list[Path], *, json_output: bool) -> None:
    """Prints where everything is and waits for Ctrl-C."""
    url = local.state.edge_url
    places = {"edge": url, "health": f"{url}/health", "openapi": f"{url}/openapi.json", "admin": local.state.admin_url}
    if json_output:
        as_json(places)
    else:
        console.print(Rule("The mesh stays up until Ctrl-C"))
        for name, place in places.items():
            console.print(f"  {name:8} {place}")
        for line in _to_copy(_program(), url):  # as they are: a line that was broken cannot be copied
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    for file in boards:
        tell_board(file, json_output=json_output)
    _until_interrupted()


def _to_copy(program: str, url: str) -> list[str]:
    """Gives commands to try in another terminal."""
    return [
        f'  try      {program} search "yellow hoodie"',
        f"           {program} status",
        f"           {program} stream 0",
        f'           curl -H "authorization: Bearer $({program} token)" {url}/v1/users/demo/radar',
    ]


def _program() -> str:
    """How another terminal in this folder calls this program: by its path, or by its name when it is elsewhere."""
    path = os.path.relpath(Path(sys.executable).parent / "vitrine")
    return "vitrine" if path.startswith("..") else path


def _until_interrupted() -> None:
    """Waits for Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return


def _headline(words: str, *, json_output: bool) -> None:
    if not json_output:
        console.print(Rule(words, align="left"))


def _frames(photo: Path | None, video: str, camera: Camera) -> AsyncIterator[CameraFrame]:
    if photo is None:
        return frames_of(video, fps=_FPS, camera=camera)
    return clip_of(read_photo(photo), fps=_FPS, camera=camera)
