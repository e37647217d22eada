"""Importing a catalogue: rows come in chunks, each is stored wholly or reported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from mesh.database import Database
from mesh.errors import AbortedError, VitrineError
from mesh.metrics import Metrics
from retrieval_svc.catalog.candidate import Candidate, Prepared
from retrieval_svc.catalog.import_start import MAX_REPORTED, ImportOrder, Progress, start_import
from retrieval_svc.catalog.product import Product
from retrieval_svc.catalog.rows import RowProblem
from retrieval_svc.catalog.writer import CatalogWriter, Outcome
from retrieval_svc.storage import imports
from retrieval_svc.storage.imports import ImportCounts, ImportState
from retrieval_svc.storage.rejections import Rejection, add_rejections

# One transaction holds the write lock of the catalogue for a few dozen milliseconds with so many rows.
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Row:
    """A row that came in.

    Attributes:
        row_number: Its number in the file.
        product: What it says, or every problem that it has.
        images: Encoded pictures.
        id_field: What its article number is called in it.
    """

    row_number: int
    product: Product | list[RowProblem]
    images: Sequence[bytes] = ()
    id_field: str = "sku"


class Importer:
    """Runs imports."""

    def __init__(
        self, database: Database, writer: CatalogWriter, metrics: Metrics, on_change: Callable[[], None]
    ) -> None:
        """Makes an importer.

        Args:
            database: The catalogue.
            writer: Stores rows.
            metrics: Where rows are counted.
            on_change: Called when rows were stored.
        """
        self._database = database
        self._writer = writer
        self._on_change = on_change
        self._rows = metrics.counter("import_rows", "Rows of imports, by what became of them.", ("outcome",))
        self._running = metrics.gauge("imports_running", "Imports that are running.")

    async def run(self, order: ImportOrder, chunks: AsyncIterator[list[Row]]) -> tuple[str, list[Rejection]]:
        """Runs an import to its end.

        Args:
            order: What holds for all of it.
            chunks: The rows; the next chunk is asked for when the one before is stored.

        Returns:
            The id of the import and the refused rows, up to `MAX_REPORTED` problems.

        Raises:
            VitrineError: When a store does not answer or the stream is broken; the rows counted so far are stored. Its
                metadata have the name of the import.
        """
        async with self._database.begin() as connection:
            run = await start_import(connection, order)
        with self._running.track_inprogress():
            try:
                async for chunk in chunks:
                    for start in range(0, len(chunk), _BATCH):
                        await self._batch(run, chunk[start : start + _BATCH])
            except BaseException as error:
                await self._end(run, ImportState.FAILED, _why(error))
                if isinstance(error, VitrineError):
                    error.metadata = {**error.metadata, "import": f"imports/{run.import_id}"}
                raise
        await self._end(run, ImportState.SUCCEEDED, "")
        return run.import_id, run.reported

    async def _batch(self, run: Progress, rows: Sequence[Row]) -> None:
        products = [row for row in rows if isinstance(row.product, Product)]
        rejections = [it for row in rows if isinstance(row.product, list) for it in _rejections(row, row.product)]
        async with self._database.begin() as connection:
            taken = await imports.noted_rows(
                connection, run.import_id, [_product_of(row).product_id for row in products]
            )
        good: dict[str, Prepared] = {}
        # A row that cannot be stored leaves its article number to the next row that has it.
        while products:
            repeated = [row for row in products if _product_of(row).product_id in taken]
            rejections += [it for row in repeated for it in _twice(row, taken)]
            tried, products = _first_of_each([row for row in products if _product_of(row).product_id not in taken])
            for row, item in zip(tried, await self._prepare(run, tried), strict=True):
                rejections += _rejections(row, item.problems)
                if not item.problems:
                    good[item.product.product_id] = item
                    taken[item.product.product_id] = row.row_number
        rejections.sort(key=lambda rejection: rejection.row_number)
        numbers = {product_id: taken[product_id] for product_id in good}
        await self._store(run, rows, list(good.values()), numbers, rejections)

    async def _prepare(self, run: Progress, rows: Sequence[Row]) -> list[Prepared]:
        candidates = [Candidate(_product_of(row), row.images) for row in rows]
        return await self._writer.prepare(candidates, embed=not run.order.dry_run) if candidates else []

    async def _store(
        self, run: Progress, rows: Sequence[Row], good: Sequence[Prepared], numbers: Mapping[str, int],
        rejections: Sequence[Rejection],
    ) -> None:  # fmt: skip
        async def note(connection: AsyncConnection, outcomes: Sequence[Outcome]) -> None:
            _count(run.counts, rows, good, outcomes, rejections)
            # First of all: from here on no other stream can go on with this import.
            if not await imports.save_progress(connection, run.import_id, run.counts, run.stored_row_count):
                raise AbortedError("another stream goes on with this import", "ETAG_MISMATCH")
            await imports.note_rows(connection, run.import_id, numbers)
            await add_rejections(connection, run.import_id, run.noted, rejections)

        if run.order.dry_run or not good:
            async with self._database.begin() as connection:
                await note(connection, [])
        else:
            for outcome in await self._writer.store(good, note):
                self._rows.labels(outcome.value).inc()
            self._on_change()
        run.stored_row_count = run.counts.row_count
        self._rows.labels("rejected").inc(len({rejection.row_number for rejection in rejections}))
        run.noted += len(rejections)
        run.reported += rejections[: MAX_REPORTED - len(run.reported)]

    async def _end(self, run: Progress, state: ImportState, error: str) -> None:
        try:
            async with self._database.begin() as connection:
                counted = run.stored_row_count
                ours = await imports.end_import(connection, run.import_id, state, error, row_count=counted)
        except VitrineError:
            if state is ImportState.SUCCEEDED:
                raise
            return
        if not ours and state is ImportState.SUCCEEDED:
            raise AbortedError("another stream goes on with this import", "ETAG_MISMATCH")


def _product_of(row: Row) -> Product:
    assert isinstance(row.product, Product)  # noqa: S101  the caller has set the others aside
    return row.product


def _first_of_each(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Tells the first row of each article number from the rows that repeat it."""
    first: dict[str, Row] = {}
    later = [row for row in rows if first.setdefault(_product_of(row).product_id, row) is not row]
    return list(first.values()), later


def _twice(row: Row, taken: Mapping[str, int]) -> list[Rejection]:
    product_id = _product_of(row).product_id
    text = f"{product_id!r} stands in row {taken[product_id]} already"
    return _rejections(row, [RowProblem(row.id_field, text)])


def _rejections(row: Row, problems: Sequence[RowProblem]) -> list[Rejection]:
    return [Rejection(row.row_number, problem.field, problem.reason, problem.description) for problem in problems]


def _count(
    counts: ImportCounts, rows: Sequence[Row], good: Sequence[Prepared], outcomes: Sequence[Outcome],
    rejections: Sequence[Rejection],
) -> None:  # fmt: skip
    counts.row_count += len(rows)
    counts.created_count += outcomes.count(Outcome.CREATED)
    counts.updated_count += outcomes.count(Outcome.UPDATED)
    counts.unchanged_count += outcomes.count(Outcome.UNCHANGED)
    counts.rejected_count += len({rejection.row_number for rejection in rejections})
    if outcomes:
        counts.pending_vector_count += sum(item.vector_missing for item in good)


def _why(error: BaseException) -> str:
    return error.message if isinstance(error, VitrineError) else f"the stream broke ({type(error).__name__})"
