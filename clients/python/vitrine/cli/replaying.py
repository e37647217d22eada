"""`vitrine replay`: a recorded session once more, on time, faster, or with faults, and what went otherwise."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import ParseDict, ParseError
from vitrine.cli.live import LiveView
from vitrine.cli.output import as_json, console
from vitrine.cli.recording import check_recording
from vitrine.cli.replay_words import comparison_lines, comparison_plain
from vitrine.cli.report import Section
from vitrine.cli.report_option import ReportFile, check_report, tell_report
from vitrine.cli.session import EXIT_FAILED, EXIT_USAGE, Session
from vitrine.cli.streaming import show_events, witnesses
from vitrine.ingest.v1 import frame_pb2
from vitrine.ingest.v1.stream_service_pb2 import ResultOptions
from vitrine.sdk import StreamSettings, Vitrine
from vitrine.sdk.faults import FAULTS, Fault, inject, read_fault
from vitrine.sdk.plans import Plan
from vitrine.sdk.profiles import PROFILES, load_profile
from vitrine.sdk.recording import Kept, Recorder, SourceNote
from vitrine.sdk.recording_compare import Comparison, compare
from vitrine.sdk.recording_file import Record, RecordingError, RecordingWriter
from vitrine.sdk.recording_pictures import DrawnPictures, Pictures
from vitrine.sdk.recording_player import PlannedStream
from vitrine.sdk.recording_session import RecordedSession
from vitrine.sdk.recording_source import SourcePictures
from vitrine.words import counted

_DEFAULTS = {"minIntervalS": 1.0, "maxIntervalS": 10.0}
_LEAST_MAX_INTERVAL_S = 0.1
# A time divided by the speed is rounded to a nanosecond, and may so fall short of an interval that it had reached.
_ROUNDING_S = 2e-9


@dataclass(frozen=True, slots=True)
class _Replay:
    """What is replayed, and how."""

    title: str
    recorded: RecordedSession
    plan: Plan
    pictures: Pictures
    speed: float
    faults: tuple[str, ...]

    def settings(self) -> StreamSettings:
        """As it was recorded, with intervals as much shorter as everything is faster. It changes no taste."""
        keyframes = frame_pb2.KeyframeConfig()
        if self.recorded.keyframes or self.speed != 1:
            try:
                ParseDict({**_DEFAULTS, **self.recorded.keyframes}, keyframes, ignore_unknown_fields=True)
            except ParseError as error:
                raise RecordingError(f"the recording has a keyframe rule that makes no sense: {error}") from error
            slack_s = 0.0 if self.speed == 1 else _ROUNDING_S
            keyframes.min_interval_s = max(0.0, keyframes.min_interval_s / self.speed - slack_s)
            longest_s = keyframes.max_interval_s / self.speed - slack_s
            keyframes.max_interval_s = max(_LEAST_MAX_INTERVAL_S, longest_s)
        options = ResultOptions(skip_taste=True, skip_matches=True, skip_personal_ranking=True)
        return StreamSettings(keyframes=keyframes, results=options, source="replay")


def replay(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A recording of `vitrine record`.")] = None,
    profile: Annotated[str, typer.Option(help=f"One that ships with the program instead: {', '.join(PROFILES)}.")] = "",
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="How many times as fast.")] = 1.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Something that goes wrong, such as loss:share=0.1,run=3; may come often. Kinds: {', '.join(FAULTS)}."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Where the chance of faults comes from; the same seed, the same faults.")
    ] = 0,
    source: Annotated[
        str, typer.Option(help="What was recorded, where you still have it; else pictures are drawn.")
    ] = "",
    record: Annotated[Path | None, typer.Option(help="Keep a recording of the replay here.")] = None,
    report: ReportFile = None,
) -> None:
    """Stream a recorded session again and compare. A replay changes no taste.

    Exit code 1 when something differs from the recording that neither faults nor drawn pictures nor load explain.
    """
    session: Session = context.obj
    check_report(report, session)
    if record is not None:
        check_recording(record, session)
    try:
        made = _prepare(file, profile, source, [read_fault(it) for it in fault or ()], seed, speed)
    except (OSError, ValueError) as error:
        session.fail(str(error), EXIT_USAGE)
    if not session.json_output:
        console.print(made.title, style="dim", markup=False, highlight=False)

    async def work(mesh: Vitrine) -> None:
        with nullcontext() if record is None else RecordingWriter(record) as writer:
            view, comparison = await _run(made, mesh, writer, json_output=session.json_output)
        lines = comparison_lines(comparison, made.pictures.words)
        books = view.books()
        good = comparison.as_expected and books is not None and books.agrees
        if session.json_output:
            as_json({"replay": comparison_plain(comparison, made.pictures.words) | {"asExpected": good}})
        else:
            for line in lines:
                console.print(line, markup=False, highlight=False)
            console.print("as expected" if good else "NOT as expected", style="green" if good else "red")
        tell_report(report, made.title, view, session, [Section("Compared with the recording", tuple(lines))])
        if not good:
            raise typer.Exit(EXIT_FAILED)

    session.run(work)


def _prepare(file: Path | None, profile: str, source: str, faults: list[Fault], seed: int, speed: float) -> _Replay:
    if (file is None) == (not profile):
        raise ValueError(f"give a recording, or --profile with one of {', '.join(PROFILES)}")
    if profile and profile not in PROFILES:
        raise ValueError(f"there is no profile {profile!r}; there are {', '.join(PROFILES)}")
    recorded = load_profile(profile) if file is None else RecordedSession.load(file)
    if not recorded.frames:
        raise RecordingError(f"{file} holds no frame")
    plan = inject(recorded.plan(), faults, seed)
    words = [f"{profile or file}: {counted(len(plan.frames), 'frame')} over {plan.end_s / speed:.1f} s"]
    words += [f"{speed:g} times as fast"] if speed != 1 else []
    words += ["cut off: what stands before the cut"] if not recorded.complete else []
    words += [f"with {', '.join(it.kind for it in faults)} (seed {seed})"] if faults else []
    pictures: Pictures = SourcePictures(source, recorded) if source else DrawnPictures.of(recorded)
    kinds = tuple(it.kind for it in faults)
    return _Replay(", ".join(words), recorded, plan.faster(speed), pictures, speed, kinds)


async def _run(
    made: _Replay, mesh: Vitrine, writer: RecordingWriter | None, *, json_output: bool
) -> tuple[LiveView, Comparison]:
    records: list[Record] = []

    def keep(one: Record) -> None:
        records.append(one)
        if writer is not None:
            writer.write(one)

    recorder = Recorder(keep, SourceNote("replay", 1.0), Kept(looks=False))
    stream = PlannedStream(mesh, made.plan, made.pictures, made.settings())
    view = LiveView(stream)
    stream.witness = witnesses(view, recorder)
    try:
        await show_events(view, stream.events(), json_output=json_output, recorder=recorder)
    finally:
        recorder.close(ended_well=view.ended_well)
    replayed = RecordedSession.of(records)
    same = made.pictures.are_recorded
    return view, compare(made.recorded, replayed, made.plan, same_pictures=same, speed=made.speed)
