"""The report of a stream on one page: what came in, what became of it and how fast, and whether the books agree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitrine.cli.live import LiveView, books_words
from vitrine.cli.live_table import advice_words, found_words, milliseconds, network_words, spark
from vitrine.ingest.v1 import frame_pb2
from vitrine.sdk.outcomes import STALLS, WORDS, reason_words, totals_of
from vitrine.sdk.stream_log import Latency, Mark, StreamLog
from vitrine.words import counted

ENDINGS = (".html", ".md")
_KEYFRAMES = 20
_MARKS = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One outcome: its name in the contract, in words, how many, and their share of all numbers, 0-1."""

    name: str
    words: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Keyframe:
    """One keyframe: frame, why, when in seconds, what was seen with hex colours, and what was found."""

    number: int
    why: str
    at_s: float
    worn: tuple[tuple[str, str], ...]
    found: str


@dataclass(frozen=True, slots=True)
class Section:
    """More to say: a heading and its lines."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says.

    Attributes:
        title: What was streamed.
        name: Of the stream; may be empty.
        log: What it did.
        rows: Outcomes, the most frequent first.
        keyframes: The last of them.
        keyframe_count: How many there were.
        stalls: How frames failed to come, and connections.
        books: Whether client and server agree, in words.
        agrees: Whether they do; None where the stream had no good end.
        sections: What else there is to say.
    """

    title: str
    name: str
    log: StreamLog
    rows: tuple[Row, ...]
    keyframes: tuple[Keyframe, ...]
    keyframe_count: int
    stalls: tuple[Mark, ...]
    books: str
    agrees: bool | None
    sections: tuple[Section, ...] = ()

    @classmethod
    def of(cls, title: str, view: LiveView, sections: Sequence[Section] = ()) -> Report:
        """Gathers it.

        Args:
            title: What was streamed.
            view: What collected the stream.
            sections: What else there is to say.
        """
        books = view.books()
        keys = {mark.number: mark.at_s for mark in view.log.marks if mark.kind == "keyframe"}
        kept = list(view.results)[-_KEYFRAMES:]
        return cls(
            title=title,
            name=view.log.name,
            log=view.log,
            rows=tuple(_rows(view.totals)),
            keyframes=tuple(_keyframe(it, keys.get(it.frame_number, 0.0)) for it in kept),
            keyframe_count=view.log.result_count,
            stalls=tuple(it for it in view.log.marks if it.kind in (*STALLS, "reconnect")),
            books=books_words(books, view.totals) if books else "the server did not say its last word",
            agrees=books.agrees if books else None,
            sections=tuple(sections),
        )

    def facts(self) -> list[tuple[str, str]]:
        """Gives the figures that stand at the top: what and how much."""
        log = self.log
        ack, result = Latency.of(log.ack_ms), Latency.of(log.result_ms)
        network = network_words(log.stats)
        return [
            ("length", f"{log.last_s:.1f} s"),
            ("camera", f"{counted(log.camera.count, 'frame')}, {log.camera.mean():.1f} a second"),
            ("answered", f"{log.acked.count:,}, {log.acked.mean():.1f} a second"),
            ("answer", f"{milliseconds(ack.p50)} median, {milliseconds(ack.p95)} p95"),
            ("keyframes", f"{self.keyframe_count:,}"),
            ("result", f"{milliseconds(result.p50)} median, {milliseconds(result.p95)} p95"),
            *([("the way up", network)] if network else []),
        ]


def _rows(totals: frame_pb2.FrameTotals) -> Iterator[Row]:
    counts = totals_of(totals)
    for name in sorted(WORDS, key=lambda it: -counts[it]):
        if counts[name]:
            yield Row(name, WORDS[name], counts[name], counts[name] / max(1, counts["highest"]))


def _keyframe(result: frame_pb2.StreamResult, at_s: float) -> Keyframe:
    worn = []
    for garment in result.garments:
        color = next(iter(garment.attributes.colors), None)
        worn.append((f"{color.name} {garment.category}" if color else garment.category, color.hex if color else ""))
    return Keyframe(result.frame_number, reason_words(result.keyframe_reason), at_s, tuple(worn), found_words(result))


def mark_words(mark: Mark) -> str:
    """Says what a mark is: ``silence at 12.0 s for 2.3 s: ...``."""
    said = f": {mark.words}" if mark.words else ""
    return f"{mark.kind.replace('_', ' ')} at {mark.at_s:.1f} s for {mark.lasts_s:.1f} s{said}"


def markdown(report: Report) -> str:
    """Writes the report as Markdown.

    Args:
        report: It.
    """
    log = report.log
    lines = [f"# {report.title}", "", report.name and f"`{report.name}`", ""]
    lines += ["| | |", "|---|---|", *(f"| {what} | {much} |" for what, much in report.facts()), ""]
    if line := spark([float(it["sent"]) for it in log.timeline.bins], 60):
        lines += [f"Frames sent over {log.last_s:.0f} s: `{line}`", ""]
    lines += ["## What became of each frame", "", "| outcome | frames | share |", "|---|---:|---:|"]
    lines += [f"| {row.words} | {row.count:,} | {row.share:.1%} |" for row in report.rows]
    lines += ["", f"{'OK' if report.agrees else 'NOT OK'}: {report.books}.", ""]
    if report.stalls or log.advice is not None:
        lines += ["## How frames failed to come", "", *(f"* {mark_words(it)}" for it in report.stalls[:_MARKS])]
        lines += _more(len(report.stalls))
        lines += [f"* the server's advice: {advice_words(log.advice)}"] if log.advice is not None else []
        lines += [""]
    for section in report.sections:
        lines += [f"## {section.title}", "", *(f"* {it}" for it in section.lines), ""]
    if report.keyframes:
        lines += [
            f"## Keyframes ({report.keyframe_count:,})",
            "",
            "| frame | at | why | worn | found |",
            "|---:|---:|---|---|---|",
        ]
        for it in report.keyframes:
            worn = ", ".join(words for words, _ in it.worn) or "no garment"
            lines.append(f"| {it.number} | {it.at_s:.1f} s | {it.why} | {_cell(worn)} | {_cell(it.found)} |")
    return "\n".join(lines).rstrip() + "\n"


def _more(count: int) -> list[str]:
    return [f"* and {count - _MARKS} more"] if count > _MARKS else []


def _cell(words: str) -> str:
    return words.replace("|", "/")


def save_report(report: Report, path: Path) -> None:
    """Writes the report, readable by its owner alone: it says what somebody wore.

    Args:
        report: It.
        path: A file that ends in ``.html`` or ``.md``.
    """
    from vitrine.cli.report_html import html  # noqa: PLC0415  it needs this module

    text = markdown(report) if path.suffix.lower() == ".md" else html(report)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
