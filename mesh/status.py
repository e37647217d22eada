"""The one place where exceptions become a `google.rpc.Status`, and a status becomes an exception again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.rpc import code_pb2, error_details_pb2, status_pb2

from mesh import errors

DOMAIN = "vitrine.dev"
DETAILS_KEY = "grpc-status-details-bin"

# Status details travel in a header, and HTTP/2 peers take 8 KiB of headers; so both lists and texts have a bound.
_MAX_VIOLATIONS = 16
_MAX_TEXT_CHARS = 200

# The table. `InternalError` and the base class stand last in their families, so the first match is the right one.
CODES: dict[type[errors.VitrineError], int] = {
    errors.InvalidInputError: code_pb2.INVALID_ARGUMENT,
    errors.UnauthenticatedError: code_pb2.UNAUTHENTICATED,
    errors.PermissionDeniedError: code_pb2.PERMISSION_DENIED,
    errors.NotFoundError: code_pb2.NOT_FOUND,
    errors.AlreadyExistsError: code_pb2.ALREADY_EXISTS,
    errors.FailedPreconditionError: code_pb2.FAILED_PRECONDITION,
    errors.AbortedError: code_pb2.ABORTED,
    errors.ResourceExhaustedError: code_pb2.RESOURCE_EXHAUSTED,
    errors.UnavailableError: code_pb2.UNAVAILABLE,
    errors.DeadlineExceededError: code_pb2.DEADLINE_EXCEEDED,
    errors.NotImplementedYetError: code_pb2.UNIMPLEMENTED,
    errors.InternalError: code_pb2.INTERNAL,
    errors.VitrineError: code_pb2.INTERNAL,
}
_CLASSES = {code: cls for cls, code in CODES.items() if cls is not errors.VitrineError}
_GRPC_CODES = {code.value[0]: code for code in grpc.StatusCode}

E = TypeVar("E", bound=BaseException)


def code_of(error: errors.VitrineError) -> int:
    """Returns the number of the canonical code (`google.rpc.Code`) of an error."""
    return next(code for cls, code in CODES.items() if isinstance(error, cls))


def grpc_code(number: int) -> grpc.StatusCode:
    """Returns gRPC's enum member for the number of a canonical code."""
    return _GRPC_CODES[number]


def status_of(error: errors.VitrineError, request_id: str = "") -> status_pb2.Status:
    """Makes the status that a caller gets.

    Args:
        error: The error.
        request_id: Id of the request, for `RequestInfo`; empty leaves it out.

    Returns:
        Code, message, `ErrorInfo` and, where they apply, `BadRequest`, `RetryInfo` and `RequestInfo`.
    """
    status = status_pb2.Status(code=code_of(error), message=error.message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=dict(error.metadata))
    status.details.add().Pack(info)
    if error.violations:
        status.details.add().Pack(_bad_request(error))
    if error.retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(error.retry_after_s * 1000))
        status.details.add().Pack(retry)
    if request_id:
        status.details.add().Pack(error_details_pb2.RequestInfo(request_id=request_id))
    return status


def _bad_request(error: errors.VitrineError) -> error_details_pb2.BadRequest:
    bad = error_details_pb2.BadRequest()
    for violation in list(error.violations)[:_MAX_VIOLATIONS]:
        bad.field_violations.add(
            field=violation.field[:_MAX_TEXT_CHARS],
            description=violation.description[:_MAX_TEXT_CHARS],
            reason=error.reason,
        )
    return bad


def error_of(status: status_pb2.Status, *, dependency: str = "") -> errors.VitrineError:
    """Makes the exception for a status that another service answered with.

    An answer about *our* call (our token, our request id) must not be handed on as one about our caller's, so that
    UNAUTHENTICATED and PERMISSION_DENIED become INTERNAL. What carries no reason of ours came from the transport.

    Args:
        status: The status.
        dependency: The service that answered, for the metadata of transport failures.
    """
    reason, metadata = _reason(status)
    if status.code in (code_pb2.UNAUTHENTICATED, code_pb2.PERMISSION_DENIED):
        return errors.InternalError("a part of the mesh refused this service", "INTERNAL", {"dependency": dependency})
    if not reason:
        return _transport_error(status, dependency)
    cls = _CLASSES.get(status.code, errors.InternalError)
    return cls(status.message, reason, metadata, _violations(status), _retry_after_s(status))


def error_from_rpc(error: grpc.aio.AioRpcError, *, dependency: str = "") -> errors.VitrineError:
    """Makes our exception from a failed call to another service.

    Args:
        error: What the stub raised.
        dependency: Name of the called service, for example ``vision``.
    """
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return error_of(status_pb2.Status.FromString(value), dependency=dependency)
    status = status_pb2.Status(code=error.code().value[0], message=error.details() or "")
    return error_of(status, dependency=dependency)


def _transport_error(status: status_pb2.Status, dependency: str) -> errors.VitrineError:
    metadata = {"dependency": dependency}
    if status.code == code_pb2.DEADLINE_EXCEEDED:
        return errors.DeadlineExceededError(
            f"{dependency or 'a dependency'} did not answer in time", "DEADLINE_EXCEEDED", metadata
        )
    if status.code == code_pb2.RESOURCE_EXHAUSTED and "larger than max" in status.message:
        return errors.ResourceExhaustedError("the message is larger than the limit", "MESSAGE_TOO_LARGE", metadata)
    if status.code in (code_pb2.UNAVAILABLE, code_pb2.CANCELLED, code_pb2.RESOURCE_EXHAUSTED, code_pb2.INTERNAL):
        # Through Envoy, a peer that was killed under an open call shows as INTERNAL with RST_STREAM.
        return errors.UnavailableError(
            f"{dependency or 'a dependency'} does not answer", "DEPENDENCY_UNAVAILABLE", metadata, retry_after_s=1.0
        )
    return errors.InternalError("a part of the mesh answered something unexpected", "INTERNAL", metadata)


def _reason(status: status_pb2.Status) -> tuple[str, dict[str, str]]:
    for detail in details_of(status, error_details_pb2.ErrorInfo):
        if detail.domain == DOMAIN:
            return detail.reason, dict(detail.metadata)
    return "", {}


def _violations(status: status_pb2.Status) -> tuple[errors.FieldViolation, ...]:
    return tuple(
        errors.FieldViolation(violation.field, violation.description)
        for bad in details_of(status, error_details_pb2.BadRequest)
        for violation in bad.field_violations
    )


def _retry_after_s(status: status_pb2.Status) -> float | None:
    for retry in details_of(status, error_details_pb2.RetryInfo):
        return float(retry.retry_delay.ToMilliseconds() / 1000)
    return None


def details_of(status: status_pb2.Status, cls: type[Any]) -> Iterator[Any]:
    """Yields the details of one kind.

    Args:
        status: The status.
        cls: Message class of the detail, for example `error_details_pb2.ErrorInfo`.
    """
    for packed in status.details:
        detail = cls()
        if packed.Unpack(detail):
            yield detail


class ErrorTable:
    """Which exceptions, beside our own tree, have a meaning for the caller.

    A service adds the exceptions of the libraries that it uses: ``ErrorTable().add(ImageError, to_vitrine)``.
    What no entry knows is our fault: INTERNAL, without a detail.
    """

    def __init__(self) -> None:
        self._converters: list[tuple[type[BaseException], Callable[[Any], errors.VitrineError]]] = []
        self.add(grpc.aio.AioRpcError, error_from_rpc)
        self.add(asyncio.TimeoutError, lambda _: errors.DeadlineExceededError("took too long", "DEADLINE_EXCEEDED"))

    def add(self, cls: type[E], convert: Callable[[E], errors.VitrineError]) -> ErrorTable:
        """Adds an entry; later entries go before earlier ones.

        Args:
            cls: The exception class; subclasses are meant too.
            convert: Makes our error from it.

        Returns:
            This table.
        """
        self._converters.insert(0, (cls, convert))
        return self

    def convert(self, error: BaseException) -> errors.VitrineError | None:
        """Returns what the caller gets for an exception, or None when nothing is known about it.

        Of a group of exceptions (from a `TaskGroup`) the first known one counts.

        Args:
            error: What was raised.
        """
        if isinstance(error, errors.VitrineError):
            return error
        if isinstance(error, BaseExceptionGroup):
            return next(filter(None, map(self.convert, error.exceptions)), None)
        for cls, convert in self._converters:
            if isinstance(error, cls):
                return convert(error)
        return None
