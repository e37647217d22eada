"""A failed call, with everything that the server said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_STATUS_KEY = "grpc-status-details-bin"
# What a broken connection looks like: directly UNAVAILABLE, through Envoy INTERNAL with a reset (RST_STREAM).
_BROKEN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}
_ADVICE = {
    "TOKEN_MISSING": "pass a token: --token, VITRINE_TOKEN, or a local mesh started with `vitrine up`",
    "TOKEN_EXPIRED": "make a new token: `vitrine token`",
    "TOKEN_INVALID": "use a token of this mesh: `vitrine token`",
    "NOT_OWNER": "use the name of the user whom the token belongs to",
    "ROLE_MISSING": "use a token with that role: `vitrine token --role operator`",
    "IMAGE_FORMAT_UNSUPPORTED": "send a JPEG, PNG or WebP picture",
    "IMAGE_TOO_LARGE": "send a smaller picture",
    "DEPENDENCY_UNAVAILABLE": "a part of the mesh does not answer; `vitrine status` shows which",
    "INDEX_NOT_READY": "the index is still being built; try again in a moment",
    "NOT_IMPLEMENTED_YET": "this version does not serve it yet",
}


@dataclass(eq=False)
class RpcFailure(Exception):  # noqa: N818  the word of gRPC; "RpcFailureError" says it twice
    """A call that failed.

    Attributes:
        code: The canonical code.
        message: What the server said, for a developer.
        reason: Name of an `ErrorReason` without its prefix; empty when the server gave none.
        fields: What is wrong, by the path of the field at fault.
        metadata: Facts for machines.
        retry_after_s: When a retry makes sense, in seconds; None when the server did not say.
        request_id: The id that the server's logs have too; may be empty.
    """

    code: grpc.StatusCode
    message: str
    reason: str
    fields: Mapping[str, str]
    metadata: Mapping[str, str]
    retry_after_s: float | None
    request_id: str

    def __str__(self) -> str:
        """Returns code, reason and message in one line."""
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.code.name}{reason}: {self.message}"

    @property
    def advice(self) -> str:
        """What to do about it, in words; may be empty."""
        return _ADVICE.get(self.reason, "")

    @property
    def connection_broke(self) -> bool:
        """Whether to connect again and resume: the connection or the server behind it went away."""
        return self.code in _BROKEN and self.reason in {"", "SHUTTING_DOWN", "DEPENDENCY_UNAVAILABLE"}

    @property
    def server_is_full(self) -> bool:
        """Whether to come again when `retry_after_s` has passed: there is no room now, and nothing else is wrong."""
        return self.reason == "CAPACITY_REACHED" and self.retry_after_s is not None

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> RpcFailure:
        """Reads the details out of gRPC's error.

        Args:
            error: What a call of grpc.aio raised.
        """
        failure = cls(error.code(), error.details() or "", "", {}, {}, None, "")
        for detail in _details(error):
            failure._take(detail)
        return failure

    @classmethod
    def broken(cls, message: str) -> RpcFailure:
        """Makes the failure of a connection that broke without a word of the server.

        Args:
            message: What happened.
        """
        return cls(grpc.StatusCode.UNAVAILABLE, message, "", {}, {}, None, "")

    @classmethod
    def of_status(cls, status: status_pb2.Status) -> RpcFailure:
        """Makes the failure from a `google.rpc.Status`, as it comes in events and captures.

        Args:
            status: The status.
        """
        code = next((code for code in grpc.StatusCode if code.value[0] == status.code), grpc.StatusCode.UNKNOWN)
        failure = cls(code, status.message, "", {}, {}, None, "")
        for detail in status.details:
            failure._take(detail)
        return failure

    def _take(self, detail: Any) -> None:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        retry, request = error_details_pb2.RetryInfo(), error_details_pb2.RequestInfo()
        if detail.Unpack(info):
            self.reason, self.metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            self.fields = {violation.field: violation.description for violation in bad.field_violations}
        elif detail.Unpack(retry):
            self.retry_after_s = retry.retry_delay.ToTimedelta().total_seconds()
        elif detail.Unpack(request):
            self.request_id = request.request_id


def _details(error: grpc.aio.AioRpcError) -> list[Any]:
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS_KEY:
            try:
                return list(status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode()).details)
            except DecodeError:
                return []
    return []
