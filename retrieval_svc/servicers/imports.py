"""Imports between the contract and the core."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import NoReturn

from vitrine.retrieval.v1 import catalog_service_pb2 as pb

from mesh.errors import FieldViolation, InvalidInputError
from mesh.validation import validate
from retrieval_svc.catalog.import_start import ImportOrder
from retrieval_svc.catalog.importer import Row
from retrieval_svc.catalog.product import Product
from retrieval_svc.catalog.rows import RowProblem, parse_row
from retrieval_svc.servicers.checks import check_values, product_violations
from retrieval_svc.servicers.products import product_from_proto, time_to_proto
from retrieval_svc.storage.imports import ImportRun
from retrieval_svc.storage.rejections import Rejection

_CANCELLED_WITHIN_S = 0.2


async def read_stream(
    requests: AsyncIterator[pb.ImportProductsRequest],
) -> tuple[ImportOrder, AsyncIterator[list[Row]]]:
    """Reads the config of an import, and gives its chunks.

    Args:
        requests: The stream.

    Raises:
        InvalidInputError: PROTOCOL_VIOLATION, when the first message is not the config.
    """
    first = await anext(requests, None)
    if first is None or first.WhichOneof("message") != "config":
        _violation("the first message must be the config")
    check_values(first)
    config = first.config
    for brand in config.brand_scores:
        if not brand.strip():
            path = f"config.brand_scores[{json.dumps(brand)}]"
            raise InvalidInputError.of(path, "must be the name of a brand, got blanks only")
    if config.done_row_count and not config.resume:
        raise InvalidInputError.of("config.done_row_count", "must be 0 without config.resume")
    order = ImportOrder(
        config.source,
        config.dry_run,
        config.total_row_count,
        dict(config.brand_scores),
        config.request_id,
        config.resume.removeprefix("imports/"),
        config.done_row_count,
    )
    return order, _chunks(requests, config.default_currency_code)


async def _chunks(requests: AsyncIterator[pb.ImportProductsRequest], default_currency: str) -> AsyncIterator[list[Row]]:
    async for request in requests:
        if request.WhichOneof("message") != "chunk":
            _violation("only the first message may be a config")
        yield [_row(row, default_currency) for row in request.chunk.rows]
    # When a client goes away grpc.aio ends the messages as if it had sent all of them, and cancels the call just after.
    await asyncio.sleep(_CANCELLED_WITHIN_S)


def _row(row: pb.ImportRow, default_currency: str) -> Row:
    images = [image.data for image in row.images]
    id_field = "name" if row.WhichOneof("record") == "product" else "sku"
    return Row(row.row_number, _product(row, default_currency), images, id_field)


def _product(row: pb.ImportRow, default_currency: str) -> Product | list[RowProblem]:
    match row.WhichOneof("record"):
        case "raw":
            return parse_row(row.raw.columns, default_currency=default_currency)
        case "product":
            if default_currency and not row.product.price.currency_code:
                row.product.price.currency_code = default_currency
            try:
                validate(row.product)
            except InvalidInputError as error:
                return _problems(error.violations)
            return _problems(product_violations(row.product)) or product_from_proto(row.product)
    return [RowProblem("record", "must be a product or raw columns, got nothing")]


def _problems(violations: Sequence[FieldViolation]) -> list[RowProblem]:
    return [RowProblem(violation.field, violation.description) for violation in violations]


def _violation(text: str) -> NoReturn:
    raise InvalidInputError.of("message", text, "PROTOCOL_VIOLATION")


def import_to_proto(run: ImportRun) -> pb.Import:
    """Writes an import."""
    counts = run.counts
    message = pb.Import(
        name=f"imports/{run.import_id}",
        state=pb.Import.State.ValueType(run.state),
        source=run.source,
        dry_run=run.dry_run,
        total_row_count=run.total_row_count,
        row_count=counts.row_count,
        created_count=counts.created_count,
        updated_count=counts.updated_count,
        unchanged_count=counts.unchanged_count,
        rejected_count=counts.rejected_count,
        pending_vector_count=counts.pending_vector_count,
        create_time=time_to_proto(run.create_time),
        error=run.error,
    )
    if run.end_time is not None:
        message.end_time.CopyFrom(time_to_proto(run.end_time))
    if run.rejections_purge_time is not None:
        message.rejections_purge_time.CopyFrom(time_to_proto(run.rejections_purge_time))
    return message


def rejection_to_proto(rejection: Rejection) -> pb.RowRejection:
    """Writes a refused row."""
    return pb.RowRejection(
        row_number=rejection.row_number,
        field=rejection.field,
        reason=rejection.reason,
        description=rejection.description,
    )
