"""`vitrine record`: a stream like any other, of which a file is kept that shows nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from vitrine.cli.commands import Impersonal
from vitrine.cli.output import as_json, console
from vitrine.cli.report_option import ReportFile, check_report, tell_report
from vitrine.cli.session import EXIT_USAGE, Session
from vitrine.cli.streaming import AdaptOption, describe, run_filming, show_stream
from vitrine.ingest.v1.stream_service_pb2 import ResultOptions
from vitrine.sdk import FrameStream, StreamSettings, Vitrine, frames_of
from vitrine.sdk.frames import begun
from vitrine.sdk.recording import Kept, Recorder, SourceNote
from vitrine.sdk.recording_file import RecordingWriter
from vitrine.sdk.recording_source import LONG_SIDE_PX, QUALITY, hash_source, kind_of_source
from vitrine.words import counted


def record(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="Number of a webcam, a video file, a picture, or a folder of pictures.")
    ],
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The recording to write, for example walk.vrec.")],
    fps: Annotated[float, typer.Option(min=0.1, max=60, help="Frames per second.")] = 10.0,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Keep tiny pictures of keyframes, as the mesh blurred them.")
    ] = False,
    results: Annotated[bool, typer.Option(help="Keep what keyframes showed: garments and matches.")] = True,
    taste: Annotated[bool, typer.Option("--taste", help="Keep what it did to your taste.")] = False,
    ids: Annotated[bool, typer.Option("--ids", help="Keep the names of user, stream and results.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file where it exists.")] = False,
    adapt: AdaptOption = True,
    impersonal: Impersonal = False,
    report: ReportFile = None,
) -> None:
    """Stream, and keep a recording without pictures for `vitrine replay`: hashes, times, outcomes, results."""
    session: Session = context.obj
    check_report(report, session)
    check_recording(file, session, force=force)
    kept = Kept(thumbnails=thumbnails, results=results, taste=taste, ids=ids)
    try:
        words = describe(source, fps)
        note = SourceNote(kind_of_source(source), fps, LONG_SIDE_PX, QUALITY, hash_source(source))
    except OSError as error:
        session.fail(str(error), EXIT_USAGE)
    skipped: list[Path] = []

    async def work(mesh: Vitrine) -> None:
        options = ResultOptions(skip_personal_ranking=impersonal, include_blurred_image=thumbnails)
        live = FrameStream(mesh, StreamSettings(results=options, source="cli", obey_advice=adapt))
        frames = frames_of(
            source, fps=fps, long_side_px=LONG_SIDE_PX, jpeg_quality=QUALITY, on_skip=skipped.append, camera=live.camera
        )
        frames = await begun(frames)
        with RecordingWriter(file, replace=force) as writer:
            recorder = Recorder(writer.write, note, kept)
            ended_well = False
            try:
                view = await show_stream(live, frames, json_output=session.json_output, recorder=recorder)
                ended_well = view.ended_well
            finally:
                recorder.close(ended_well=ended_well)
        tell_report(report, words, view, session)
        _tell(file, view.log.camera.count, session)

    run_filming(work, words, skipped, session)


def check_recording(file: Path, session: Session, *, force: bool = False) -> None:
    """Ends the program where a recording could not be written.

    Args:
        file: Where to.
        session: The shared options.
        force: Whether it may replace what stands there.
    """
    if not force and (file.exists() or file.is_symlink()):
        session.fail(f"{file} exists; `vitrine record --force` replaces it", EXIT_USAGE)
    if not file.parent.is_dir():
        session.fail(f"there is no folder {file.parent}", EXIT_USAGE)


def _tell(file: Path, frame_count: int, session: Session) -> None:
    if session.json_output:
        as_json({"recording": str(file), "frames": frame_count})
        return
    words = f"recording of {counted(frame_count, 'frame')}: {file}; `vitrine replay {file}` sends it again"
    console.print(words, style="dim", markup=False, highlight=False, soft_wrap=True)
