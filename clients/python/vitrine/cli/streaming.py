"""`vitrine stream`: frames of a camera, a video or pictures go up; keyframes and results come down."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from vitrine.cli.commands import Impersonal
from vitrine.cli.keyframe_rule import RuleOption, mode_of
from vitrine.cli.live import LiveView
from vitrine.cli.output import as_json, console, errors
from vitrine.cli.report_option import ReportFile, check_report, tell_report
from vitrine.cli.session import EXIT_FAILED, EXIT_USAGE, Session
from vitrine.ingest.v1 import frame_pb2, stream_service_pb2
from vitrine.ingest.v1.stream_service_pb2 import StreamFramesResponse
from vitrine.sdk import CameraFrame, FrameStream, Reconnected, StreamSettings, Vitrine, frames_of
from vitrine.sdk.frames import PICTURES, begun, pictures_in
from vitrine.sdk.recording import Recorder
from vitrine.sdk.witness import Witness, Witnesses
from vitrine.words import counted

_REFRESHES_PER_S = 5
# An option of `stream` and `record`.
AdaptOption = Annotated[bool, typer.Option(help="Send fewer, smaller or coarser frames where the mesh advises it.")]


def stream(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="Number of a webcam, a video file, a picture, or a folder of pictures.")
    ],
    fps: Annotated[
        float, typer.Option(min=0.1, max=60, help="Frames per second; the pictures of a folder are given at it too.")
    ] = 10.0,
    min_interval_s: Annotated[
        float | None, typer.Option(min=0, max=60, help="Least time between keyframes, in seconds (1).")
    ] = None,
    max_interval_s: Annotated[
        float | None, typer.Option(min=0.1, max=600, help="A keyframe is forced after so many seconds (10).")
    ] = None,
    ssim: Annotated[float | None, typer.Option(min=0, max=1, help="SSIM above this is the same scene (0.85).")] = None,
    pixel_diff: Annotated[
        float | None, typer.Option(min=0, max=1, help="Mean difference below this is the same scene (0.06).")
    ] = None,
    mode: RuleOption = None,
    adapt: AdaptOption = True,
    impersonal: Impersonal = False,
    report: ReportFile = None,
) -> None:
    """Stream a camera, a video or pictures, and watch keyframes and results. Ctrl-C ends the stream well."""
    session: Session = context.obj
    if min_interval_s is not None and max_interval_s is not None and max_interval_s <= min_interval_s:
        session.fail("--max-interval-s must be above --min-interval-s", EXIT_USAGE)
    keyframes = frame_pb2.KeyframeConfig(
        min_interval_s=min_interval_s,
        max_interval_s=max_interval_s,
        ssim_threshold=ssim,
        pixel_diff_threshold=pixel_diff,
        mode=mode_of(mode),
    )
    check_report(report, session)
    try:
        words = describe(source, fps)
    except FileNotFoundError as error:
        session.fail(str(error), EXIT_USAGE)
    skipped: list[Path] = []

    async def work(mesh: Vitrine) -> None:
        results = stream_service_pb2.ResultOptions(skip_personal_ranking=impersonal)
        settings = StreamSettings(keyframes=keyframes, results=results, source="cli", obey_advice=adapt)
        live = FrameStream(mesh, settings)
        frames = await begun(frames_of(source, fps=fps, on_skip=skipped.append, camera=live.camera))
        view = await show_stream(live, frames, json_output=session.json_output)
        if not session.json_output and (taste := view.taste()) is not None:
            console.print(taste)
        tell_report(report, words, view, session)

    run_filming(work, words, skipped, session)


def run_filming(work: Callable[[Vitrine], Awaitable[None]], words: str, skipped: list[Path], session: Session) -> None:
    """Says what is streamed, streams it, and names the files that were left out.

    Args:
        work: Streams it.
        words: What it is.
        skipped: Files that are left out meanwhile.
        session: The shared options.

    Raises:
        typer.Exit: It failed, or files were left out; the reason is printed.
    """
    if not session.json_output:
        console.print(words, style="dim", markup=False, highlight=False)
    try:
        session.run(work)
    finally:
        warn_skipped(skipped, json_output=session.json_output)
    if skipped:
        raise typer.Exit(EXIT_FAILED)


def warn_skipped(skipped: list[Path], *, json_output: bool) -> None:
    """Names the files that were left out.

    Args:
        skipped: They.
        json_output: Print JSON.
    """
    for file in skipped:
        words = f"{file} is not a picture that can be read: skipped"
        if json_output:
            as_json({"warning": {"message": words, "file": str(file)}})
        else:
            errors.print(words, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if skipped and not json_output:
        errors.print(f"{counted(len(skipped), 'file')} skipped", style="yellow")


def describe(source: str, fps: float) -> str:
    """Says in words what will be streamed, and how fast.

    Args:
        source: As for `frames_of`.
        fps: Frames per second.

    Raises:
        FileNotFoundError: There is no such file or folder, or no picture in the folder.
    """
    path = Path(source)
    if source.isdigit():
        return f"webcam {source} at {fps:g} fps, until Ctrl-C"
    if path.is_dir():
        count = len(pictures_in(path))
        each = "" if fps <= 1 else "; --fps 1 leaves each the second that keyframes are apart"
        return f"{counted(count, 'picture')} of {source} at {fps:g} fps{each}"
    if "://" not in source and not path.exists():
        raise FileNotFoundError(f"there is no file or folder {source!r}; a webcam is given by its number")
    return f"the picture {source}" if path.suffix.lower() in PICTURES else f"{source} at {fps:g} fps"


async def show_stream(
    stream: FrameStream, frames: AsyncIterator[CameraFrame], *, json_output: bool, recorder: Recorder | None = None
) -> LiveView:
    """Streams frames to their end or to Ctrl-C, and shows what comes back.

    Args:
        stream: The stream.
        frames: What to send, paced.
        json_output: Print the server's events as JSON lines.
        recorder: Told of everything too.

    Returns:
        What has come back.
    """
    view = LiveView(stream)
    stream.witness = witnesses(view, recorder)
    frames = until_interrupted(frames, view.end)
    await show_events(view, stream.events(frames), json_output=json_output, recorder=recorder)
    if view.found_nothing and not json_output:
        console.print("no product like any of it; `vitrine catalog demo` fills an empty catalogue", style="yellow")
    return view


def witnesses(view: LiveView, recorder: Recorder | None) -> Witnesses:
    """Puts together who is told of each frame."""
    told: list[Witness] = [view.log] if recorder is None else [view.log, recorder]
    return Witnesses(told)


async def show_events(
    view: LiveView,
    events: AsyncIterator[StreamFramesResponse | Reconnected],
    *,
    json_output: bool,
    recorder: Recorder | None = None,
) -> None:
    """Shows what a stream gives, to its end.

    Args:
        view: Collects it.
        events: What the stream gives.
        json_output: Print the server's events as JSON lines.
        recorder: Told of everything too.
    """
    try:
        with _shown(view, json_output=json_output):
            async for event in events:
                view.take(event)
                if recorder is not None:
                    recorder.take(event)
                if json_output and not isinstance(event, Reconnected):
                    as_json(event)
    finally:  # also when the source or the mesh fails: what was seen until then is recorded
        if view.name and not json_output:
            console.print(view.summary())


def _shown(view: LiveView, *, json_output: bool) -> AbstractContextManager[object]:
    if json_output:
        return nullcontext()
    return Live(view, console=console, refresh_per_second=_REFRESHES_PER_S, transient=True)


async def until_interrupted(
    frames: AsyncIterator[CameraFrame], on_end: Callable[[], None] = lambda: None
) -> AsyncGenerator[CameraFrame, None]:
    """Gives frames until Ctrl-C; a second Ctrl-C ends the program as usual.

    Args:
        frames: The frames.
        on_end: Told of the first Ctrl-C.

    Yields:
        The same.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    before = signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    stopping = asyncio.create_task(stop.wait())
    try:
        while True:
            coming = asyncio.create_task(_next(frames))
            try:
                await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if stopping.done():
                    # From here on a second Ctrl-C ends the program, also while a camera that hangs is let go.
                    loop.remove_signal_handler(signal.SIGINT)
                    signal.signal(signal.SIGINT, before)
                    on_end()
            finally:
                if not coming.done():
                    coming.cancel()
                    await asyncio.gather(coming, return_exceptions=True)  # it lets the camera go
            if stopping.done():
                return
            if (frame := await coming) is None:
                return
            yield frame
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
        stopping.cancel()


async def _next(frames: AsyncIterator[CameraFrame]) -> CameraFrame | None:
    return await anext(frames, None)
