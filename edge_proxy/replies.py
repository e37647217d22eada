"""The errors that the edge itself answers with, in the same shape as those of the services.

A gRPC caller gets `google.rpc.Status` with `ErrorInfo` in the trailers, everybody else the same as JSON; so no client
needs to know which part of the mesh has refused it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from vitrine.type.v1 import error_reason_pb2

_DOMAIN = "vitrine.dev"
_WORDS = "%LOCAL_REPLY_BODY%"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EdgeError:
    """One error of the edge.

    Attributes:
        when: CEL over Envoy's attributes, or an HTTP status.
        code: Number of the canonical code.
        reason: Name of an `ErrorReason`, without its prefix.
        message: One sentence; empty keeps Envoy's own words.
        retry_after_s: When a retry makes sense, in seconds.
        field: Path of the field at fault; `%LOCAL_REPLY_BODY%` where Envoy's own words are the path.
        description: What is wrong with the field.
    """

    when: str | int
    code: int
    reason: str
    message: str = ""
    retry_after_s: int = 0
    field: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        """Checks that the contract knows the reason."""
        error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{self.reason}")

    def status(self) -> status_pb2.Status:
        """Makes the status that a caller gets."""
        status = status_pb2.Status(code=self.code, message=self.message)
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain=_DOMAIN))
        if self.retry_after_s:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromSeconds(self.retry_after_s)
            status.details.add().Pack(retry)
        if self.field:
            violation = error_details_pb2.BadRequest.FieldViolation(field=self.field, description=self.description)
            status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
        return status


def _jwt(words: str) -> str:
    return f"response.code_details.startsWith('jwt_authn_access_denied') && response.code_details.contains('{words}')"


_UNKNOWN = "the contract has no such field"

# The first that fits is taken.
EDGE_ERRORS = (
    # `bodies.lua` answers with the path.
    EdgeError(
        "response.code_details == 'lua_response' && response.code == 400",
        code_pb2.INVALID_ARGUMENT,
        "INVALID_FIELD",
        f"{_WORDS}: {_UNKNOWN}",
        field=_WORDS,
        description=_UNKNOWN,
    ),
    EdgeError(
        _jwt("Jwt_is_missing"), code_pb2.UNAUTHENTICATED, "TOKEN_MISSING", "send `authorization: Bearer <token>`"
    ),
    EdgeError(_jwt("expired"), code_pb2.UNAUTHENTICATED, "TOKEN_EXPIRED", "the token has expired"),
    EdgeError(401, code_pb2.UNAUTHENTICATED, "TOKEN_INVALID", "the token is not valid here"),
    EdgeError(403, code_pb2.UNAUTHENTICATED, "TOKEN_INVALID", "the token is not valid here"),
    EdgeError(429, code_pb2.RESOURCE_EXHAUSTED, "RATE_LIMITED", "too many requests; slow down", 1),
    EdgeError(404, code_pb2.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is nothing here; see /openapi.json"),
    EdgeError(413, code_pb2.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", "the message is larger than the limit"),
    EdgeError(504, code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the service did not answer in time", 1),
    EdgeError(503, code_pb2.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "the service does not answer; try again soon", 1),
    EdgeError(502, code_pb2.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "the service broke off; try again soon", 1),
    EdgeError(400, code_pb2.INVALID_ARGUMENT, "INVALID_FIELD"),
)
# Where Envoy's own status is not the one of the code (google/rpc/code.proto). 413 stays: it says more than 429.
_HTTP_OF = {code_pb2.UNAUTHENTICATED: 401, code_pb2.UNAVAILABLE: 503, code_pb2.INVALID_ARGUMENT: 400}


# A JSON request carries gRPC's content type once it is transcoded; only then it has an original method.
_IS_GRPC: tuple[Json, ...] = (
    {"header_filter": {"header": {"name": "content-type", "string_match": {"prefix": "application/grpc"}}}},
    {"header_filter": {"header": {"name": "x-envoy-original-method", "present_match": False}}},
)


def reply_mappers() -> list[Json]:
    """Makes the mappers of Envoy's `local_reply_config`: for each error one for gRPC and one for everybody else."""
    unknown = EdgeError(404, code_pb2.UNIMPLEMENTED, "NOT_IMPLEMENTED_YET", "the contract has no such RPC")
    return [_for_grpc(unknown), *(mapper for error in EDGE_ERRORS for mapper in _mappers(error))]


def _mappers(error: EdgeError) -> list[Json]:
    """One for JSON; before it one for gRPC, but for fields: only JSON has names of them."""
    return [_for_http(error)] if error.field else [_for_grpc(error), _for_http(error)]


def _for_grpc(error: EdgeError) -> Json:
    details = base64.b64encode(error.status().SerializeToString()).decode()
    headers = {"grpc-status": str(error.code), "grpc-status-details-bin": details, "grpc-message": error.message}
    return {
        "filter": _both(_condition(error), *_IS_GRPC),
        # gRPC always answers 200; for gRPC-Web it must be said, its filter makes up a code from any other status.
        "status_code": 200,
        "headers_to_add": [_header(key, value) for key, value in headers.items() if value],
        "body_format_override": {"text_format_source": {"inline_string": ""}, "content_type": "application/grpc"},
    }


def _for_http(error: EdgeError) -> Json:
    body = json_format.MessageToDict(error.status())
    body["message"] = error.message or _WORDS
    mapper: Json = {
        "filter": _condition(error),
        "status_code": _HTTP_OF.get(error.code) or error.when,
        "body_format_override": {"json_format": body, "content_type": "application/json"},
    }
    if error.retry_after_s:
        mapper["headers_to_add"] = [_header("retry-after", str(error.retry_after_s))]
    return mapper


def _condition(error: EdgeError) -> Json:
    if isinstance(error.when, int):
        comparison = {"op": "EQ", "value": {"default_value": error.when, "runtime_key": "unset"}}
        return {"status_code_filter": {"comparison": comparison}}
    return {
        "extension_filter": {
            "name": "cel",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                "expression": error.when,
            },
        }
    }


def _both(*filters: Json) -> Json:
    return {"and_filter": {"filters": list(filters)}}


def _header(key: str, value: str) -> Json:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
