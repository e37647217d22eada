"""The command `vitrine catalog import`, and what it reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text
from vitrine.cli.output import as_json, console, errors
from vitrine.cli.session import EXIT_FAILED, EXIT_USAGE, Session
from vitrine.retrieval.v1 import catalog_service_pb2
from vitrine.sdk import CatalogSource, ImportProgress, RpcFailure, Vitrine, import_catalog
from vitrine.words import counted

_SHOWN_REJECTIONS = 20
_IMPORT = re.compile(r"imports/[a-zA-Z0-9-]{1,64}")


def catalog_import(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="A .csv or .jsonl file; its column `image` names picture files, separated by |.",
        ),
    ],
    images: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of the pictures; that of the file when not given."),
    ] = None,
    currency: Annotated[str, typer.Option(help="Currency of prices that name none.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, write nothing.")] = False,
    resume: Annotated[str, typer.Option(metavar="IMPORT", help="Go on with an import that broke: imports/...")] = "",
) -> None:
    """Import a catalogue: every row is stored or reported. Running it again changes nothing.

    A connection that breaks is taken up behind the rows that are done, for about a minute; then --resume goes on there.

    Row 1 is the first after the header of a CSV file, and the first line of JSON lines.
    """
    session: Session = context.obj
    source = CatalogSource(file, images, currency)
    if images is not None and not source.names_pictures():
        errors.print(f"--images: no row of {file} names a picture in a column `image`", style="yellow", markup=False)
    if resume and not _IMPORT.fullmatch(resume):
        session.fail(f"--resume: must be the name of an import, such as imports/7f3c..., got {resume!r}", EXIT_USAGE)

    async def work(mesh: Vitrine) -> None:
        await run_import(mesh, source, dry_run=dry_run, resume=resume, json_output=session.json_output)

    session.run(work, roles=("operator",))


async def run_import(
    mesh: Vitrine, source: CatalogSource, *, dry_run: bool, json_output: bool, resume: str = ""
) -> None:
    """Imports with a progress bar and prints the report.

    Args:
        mesh: A client with the role `operator`.
        source: The catalogue.
        dry_run: Write nothing.
        json_output: Print the report as JSON.
        resume: An import that broke, to go on with.

    Raises:
        RpcFailure: The import broke; how to go on with it is printed.
        typer.Exit: Rows were rejected; they are printed, and the others are stored.
    """
    columns = (TextColumn("importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, disable=json_output or not console.is_terminal, transient=True
    ) as progress:
        task = progress.add_task("import", total=None)

        def advance(at: ImportProgress) -> None:
            progress.update(task, completed=at.sent_count, total=at.total_count)

        try:
            report = await import_catalog(mesh, source, dry_run=dry_run, resume=resume, on_progress=advance)
        except RpcFailure as failure:
            if not json_output and failure.connection_broke:
                name = failure.metadata.get("import", "")
                errors.print(f"rows that are done stay; go on with: --resume {name}", markup=False, soft_wrap=True)
            raise
    done = getattr(report, "import")
    if json_output:
        as_json(report)
    else:
        _show_import(report, dry_run=dry_run)
    if done.rejected_count:
        raise typer.Exit(EXIT_FAILED)


def _show_import(report: catalog_service_pb2.ImportProductsResponse, *, dry_run: bool) -> None:
    done = getattr(report, "import")
    console.print(
        f"{counted(done.row_count, 'row')}: {done.created_count} new, {done.updated_count} changed, "
        f"{done.unchanged_count} as they were, {done.rejected_count} rejected"
        + ("; nothing was written (--dry-run)" if dry_run else "")
    )
    # A fault of the header is in every row: said once.
    alike: dict[tuple[str, str], list[int]] = {}
    for it in report.rejections:
        alike.setdefault((it.field, it.description), []).append(it.row_number)
    for (field, description), rows in list(alike.items())[:_SHOWN_REJECTIONS]:
        where = f"row {rows[0]}" if len(rows) == 1 else f"row {rows[0]} and {len(rows) - 1:,} more"
        console.print(Text.assemble(f"  {where}: ", (field, "bold"), f" {description}"))
    if len(alike) > _SHOWN_REJECTIONS:
        console.print(f"  ... and {len(alike) - _SHOWN_REJECTIONS} more (--json shows all)")
