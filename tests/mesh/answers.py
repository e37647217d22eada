"""How a call ended, in the same words for every way in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tests.mesh.contract import Json

_DOMAIN = "vitrine.dev"


@dataclass(frozen=True)
class Failure:
    """An error as a caller sees it.

    Attributes:
        code: Name of the canonical code.
        reason: `ErrorInfo.reason`.
        fields: The fields that `BadRequest` names.
        retry_after_s: What `RetryInfo` says, in seconds; it differs from call to call, so it is not compared.
    """

    code: str
    reason: str
    fields: tuple[str, ...] = ()
    retry_after_s: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Answer:
    """All that came of a call.

    Attributes:
        messages: Responses in proto JSON.
        failure: How it failed; None for OK.
        facts: `ErrorInfo.metadata` without the request id.
        message: The words of the error.
    """

    messages: tuple[Json, ...] = ()
    failure: Failure | None = None
    facts: tuple[tuple[str, str], ...] = ()
    message: str = ""

    @property
    def only(self) -> Json:
        """The response of a good unary call."""
        assert self.failure is None, self.failure
        (message,) = self.messages
        return message


def failed(code: int, details: Iterable[Message], messages: Iterable[Json] = (), message: str = "") -> Answer:
    """Reads an error from its code and details."""
    reason, fields, facts, retry_after_s = "", [], {}, None
    for detail in details:
        if isinstance(detail, error_details_pb2.ErrorInfo):
            assert detail.domain == _DOMAIN, detail
            reason, facts = detail.reason, dict(detail.metadata)
        elif isinstance(detail, error_details_pb2.BadRequest):
            fields = list(dict.fromkeys(violation.field for violation in detail.field_violations))
        elif isinstance(detail, error_details_pb2.RetryInfo):
            retry_after_s = detail.retry_delay.ToTimedelta().total_seconds()
    facts.pop("request_id", None)
    failure = Failure(code_pb2.Code.Name(code), reason, tuple(fields), retry_after_s)
    return Answer(tuple(messages), failure, tuple(sorted(facts.items())), message)


def failed_with(status: status_pb2.Status, messages: Iterable[Json] = ()) -> Answer:
    """Reads an error from its status."""
    return failed(status.code, list(unpacked(status)), messages, status.message)


def unpacked(status: status_pb2.Status) -> Iterable[Message]:
    """Yields the details of a status that we know."""
    for detail in status.details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            if detail.Is(kind.DESCRIPTOR):
                message = kind()
                detail.Unpack(message)
                yield message


def without(body: Any, keys: Iterable[str]) -> Any:
    """Leaves out what differs from call to call, wherever it stands."""
    dropped = frozenset(keys)
    if isinstance(body, Mapping):
        return {key: without(value, dropped) for key, value in body.items() if key not in dropped}
    return [without(value, dropped) for value in body] if isinstance(body, (list, tuple)) else body


def rounded(body: Any, digits: int = 3) -> Any:
    """Rounds every number with a fraction, for ways that send fewer digits."""
    if isinstance(body, Mapping):
        return {key: rounded(value, digits) for key, value in body.items()}
    if isinstance(body, (list, tuple)):
        return [rounded(value, digits) for value in body]
    return round(body, digits) if isinstance(body, float) else body
