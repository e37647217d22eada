"""The option `--report` of `stream`, `record` and `replay`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from vitrine.cli.live import LiveView
from vitrine.cli.output import as_json, console
from vitrine.cli.report import ENDINGS, Report, Section, save_report
from vitrine.cli.session import EXIT_USAGE, Session

ReportFile = Annotated[Path | None, typer.Option("--report", help="Write a report of one page here (.html or .md).")]


def check_report(report: Path | None, session: Session) -> None:
    """Ends the program where a report could not be written.

    Args:
        report: The file; None for no report.
        session: The shared options.
    """
    if report is None:
        return
    if report.suffix.lower() not in ENDINGS:
        session.fail(f"--report: expected a file that ends in {' or '.join(ENDINGS)}, got {report}", EXIT_USAGE)
    if not report.parent.is_dir():
        session.fail(f"--report: there is no folder {report.parent}", EXIT_USAGE)


def tell_report(
    path: Path | None, title: str, view: LiveView, session: Session, sections: Sequence[Section] = ()
) -> None:
    """Writes the report and says where it is.

    Args:
        path: The file; None for no report.
        title: What was streamed.
        view: What collected the stream.
        session: The shared options.
        sections: What else there is to say.
    """
    if path is None:
        return
    save_report(Report.of(title, view, sections), path)
    if session.json_output:
        as_json({"report": str(path)})
    else:
        console.print(f"report: {path}", style="dim", markup=False, highlight=False, soft_wrap=True)
