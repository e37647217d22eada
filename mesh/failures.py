"""The last stage: whatever was raised leaves as a status with details."""

from __future__ import annotations

import traceback
from typing import Any, NoReturn

import structlog

from mesh.call import REQUEST_ID_HEADER
from mesh.errors import InternalError, UnavailableError, VitrineError
from mesh.observation import Observation
from mesh.status import DETAILS_KEY, ErrorTable, code_of, grpc_code, status_of


class FailureStage:
    """Answers with a status, and logs once what is our own trouble.

    The unforeseen is logged with its place, what is unavailable with its cause.
    """

    def __init__(self, table: ErrorTable) -> None:
        self._table = table
        self._log = structlog.get_logger("mesh.errors")

    def convert(self, error: BaseException) -> VitrineError:
        """Returns what the caller gets; our own trouble is logged here.

        Args:
            error: What was raised.
        """
        known = self._table.convert(error)
        if known is None:
            self._log.error("unexpected_failure", kind=type(error).__name__, where=where_raised(error))
            return InternalError("an unexpected failure; it was logged with the request id")
        if isinstance(known, InternalError):
            self._log.error("internal_failure", reason=known.reason, detail=known.message, where=where_raised(error))
        elif isinstance(known, UnavailableError):
            cause = type(error.__cause__ or error).__name__
            self._log.warning("unavailable", reason=known.reason, cause=cause, metadata=dict(known.metadata))
        return known

    async def answer(self, error: BaseException, observed: Observation, context: Any) -> NoReturn:
        """Ends the call with the status for an exception.

        Args:
            error: What was raised.
            observed: The telemetry of the call.
            context: gRPC's context of the call.
        """
        known = self.convert(error)
        code = grpc_code(code_of(known))
        request_id = observed.call.request_id
        observed.failed(code, known.reason)
        details = (DETAILS_KEY, status_of(known, request_id).SerializeToString())
        await context.abort(code, known.message, (details, (REQUEST_ID_HEADER, request_id)))
        raise AssertionError("abort always raises")


def where_raised(error: BaseException) -> str:
    """Tells which places an exception went through, without its text: that of a library may quote personal data.

    Args:
        error: What was raised.

    Returns:
        ``file:line function`` from the innermost place outwards.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
