"""Exceptions and statuses: one table, both ways."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from mesh import errors
from mesh.status import CODES, ErrorTable, code_of, details_of, error_of, grpc_code, status_of

pytestmark = pytest.mark.unit

# google/rpc/code.proto and google.aip.dev/193.
PUBLISHED = {
    "InvalidInputError": 3, "DeadlineExceededError": 4, "NotFoundError": 5, "AlreadyExistsError": 6,
    "PermissionDeniedError": 7, "ResourceExhaustedError": 8, "FailedPreconditionError": 9, "AbortedError": 10,
    "NotImplementedYetError": 12, "InternalError": 13, "UnavailableError": 14, "UnauthenticatedError": 16,
    "VitrineError": 13,
}  # fmt: skip


def test_every_class_has_its_published_code() -> None:
    assert {cls.__name__: code for cls, code in CODES.items()} == PUBLISHED
    assert {grpc_code(code).value[0] for code in CODES.values()} == set(CODES.values())


def test_every_class_of_the_tree_is_in_the_table() -> None:
    assert set(errors.VitrineError.__subclasses__()) <= set(CODES)


def test_subclass_takes_the_code_of_its_parent() -> None:
    class SpecialError(errors.NotFoundError):
        pass

    assert code_of(SpecialError("x")) == code_pb2.NOT_FOUND


@pytest.mark.parametrize(
    "error",
    [
        errors.NotFoundError("gone", "RESOURCE_NOT_FOUND"),
        errors.InvalidInputError.of("image.data", "too large", "IMAGE_TOO_LARGE", limit="1", actual="2"),
        errors.UnavailableError("down", "DEPENDENCY_UNAVAILABLE", {"dependency": "x"}, retry_after_s=0.25),
        errors.AbortedError("changed", "ETAG_MISMATCH"),
        errors.InternalError("bad luck"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_survives_the_way_there_and_back(error: errors.VitrineError) -> None:
    back = error_of(status_of(error, "request-1"))
    assert type(back) is type(error)
    assert (back.message, back.reason, dict(back.metadata)) == (error.message, error.reason, dict(error.metadata))
    assert (tuple(back.violations), back.retry_after_s) == (tuple(error.violations), error.retry_after_s)


def test_status_has_only_the_details_that_apply() -> None:
    kinds = [detail.type_url for detail in status_of(errors.NotFoundError("gone", "RESOURCE_NOT_FOUND")).details]
    assert kinds == ["type.googleapis.com/google.rpc.ErrorInfo"]


def test_retry_info_is_exact() -> None:
    status = status_of(errors.ResourceExhaustedError("full", "RATE_LIMITED", retry_after_s=1.5))
    (retry,) = details_of(status, error_details_pb2.RetryInfo)
    assert (retry.retry_delay.seconds, retry.retry_delay.nanos) == (1, 500_000_000)


@pytest.mark.parametrize(
    ("code", "message", "cls", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "connection refused", errors.UnavailableError, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.INTERNAL, "RST_STREAM", errors.UnavailableError, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.CANCELLED, "", errors.UnavailableError, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", errors.DeadlineExceededError, "DEADLINE_EXCEEDED"),
        (
            grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 4)",
            errors.ResourceExhaustedError, "MESSAGE_TOO_LARGE",
        ),
        (grpc.StatusCode.UNIMPLEMENTED, "Method not found!", errors.InternalError, "INTERNAL"),
        (grpc.StatusCode.UNAUTHENTICATED, "", errors.InternalError, "INTERNAL"),
        (grpc.StatusCode.PERMISSION_DENIED, "", errors.InternalError, "INTERNAL"),
    ],
    ids=lambda value: getattr(value, "name", None),
)  # fmt: skip
def test_failure_of_the_transport(code: grpc.StatusCode, message: str, cls: type, reason: str) -> None:
    error = error_of(status_pb2.Status(code=code.value[0], message=message), dependency="vision")
    assert (type(error), error.reason, dict(error.metadata)) == (cls, reason, {"dependency": "vision"})


def test_reason_of_a_foreign_domain_is_not_ours() -> None:
    status = status_pb2.Status(code=code_pb2.UNAVAILABLE)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="QUOTA", domain="elsewhere.example"))
    assert error_of(status, dependency="x").reason == "DEPENDENCY_UNAVAILABLE"


class LibraryError(Exception):
    pass


class NarrowLibraryError(LibraryError):
    pass


def test_table_knows_what_was_added_and_later_entries_win() -> None:
    table = ErrorTable().add(LibraryError, lambda _: errors.AbortedError("wide"))
    table.add(NarrowLibraryError, lambda _: errors.AbortedError("narrow"))
    assert str(table.convert(LibraryError())) == "wide"
    assert str(table.convert(NarrowLibraryError())) == "narrow"


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), ExceptionGroup("g", [ValueError("x")])], ids=repr)
def test_table_knows_nothing_of_others(error: Exception) -> None:
    assert ErrorTable().convert(error) is None


def test_table_finds_the_known_one_in_a_nested_group() -> None:
    known = errors.NotFoundError("inner")
    group = ExceptionGroup("outer", [ValueError("x"), ExceptionGroup("inner", [known])])
    assert ErrorTable().convert(group) is known
