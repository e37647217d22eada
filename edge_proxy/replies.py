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
_REQUEST_ID = "%REQ(X-REQUEST-ID):200%"
# What `lua/answers.lua` knows an unfinished answer by; it holds the id of the request.
_MARK = "x-vitrine-refused"
_JSON = "application/json"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EdgeError:
    """One error of the edge.

    Attributes:
        when: CEL over Envoy's attributes, or an HTTP status.
        code: Number of the canonical code.
        reason: Name of an `ErrorReason`, without its prefix.
        message: One sentence.
        retry_after_s: When a retry makes sense, in seconds.
        dependency: The process that does not answer.
    """

    when: str | int
    code: int
    reason: str
    message: str
    retry_after_s: int = 0
    dependency: str = ""

    def __post_init__(self) -> None:
        """Checks that the contract knows the reason."""
        error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{self.reason}")

    def status(self) -> status_pb2.Status:
        """Makes the status that a caller gets, but for `RequestInfo`."""
        status = status_pb2.Status(code=self.code, message=self.message)
        facts = {"dependency": self.dependency} if self.dependency else {}
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain=_DOMAIN, metadata=facts))
        if self.retry_after_s:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromSeconds(self.retry_after_s)
            status.details.add().Pack(retry)
        return status


def _details(words: str) -> str:
    return f"response.code_details.startsWith('{words}')"


def _jwt(words: str) -> str:
    return f"{_details('jwt_authn_access_denied')} && response.code_details.contains('{words}')"


def _away(service: str) -> EdgeError:
    """The error for a process that does not answer or breaks off; the last of these knows no name of it."""
    when = "(response.code == 502 || response.code == 503)"
    if service:
        when += f" && xds.cluster_name.startsWith('{service}')"
    message = f"{service or 'the service'} does not answer; try again soon"
    return EdgeError(when, code_pb2.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", message, 1, service)


# What has found the fields at fault itself: `lua/requests.lua`, whose answer is complete, and the transcoder.
_REFUSED_BY_SCRIPT = "response.code_details == 'lua_response' && response.code == 400"
_REFUSED_BY_TRANSCODER = "response.code_details.contains('grpc_json_transcode_failure') && response.code == 400"

# The first that fits is taken.
EDGE_ERRORS = (
    EdgeError(
        _jwt("Jwt_is_missing"), code_pb2.UNAUTHENTICATED, "TOKEN_MISSING", "send `authorization: Bearer <token>`"
    ),
    EdgeError(_jwt("expired"), code_pb2.UNAUTHENTICATED, "TOKEN_EXPIRED", "the token has expired"),
    EdgeError(_jwt(""), code_pb2.UNAUTHENTICATED, "TOKEN_INVALID", "the token is not valid here"),
    EdgeError(
        _details("upgrade_failed"), code_pb2.NOT_FOUND, "RESOURCE_NOT_FOUND", "no WebSocket is served at this path"
    ),
    EdgeError(429, code_pb2.RESOURCE_EXHAUSTED, "RATE_LIMITED", "too many requests; slow down", 1),
    EdgeError(404, code_pb2.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is nothing here; see /openapi.json"),
    EdgeError(413, code_pb2.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", "the message is larger than the limit"),
    EdgeError(504, code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the service did not answer in time", 1),
    *(_away(service) for service in ("ingest", "vision", "retrieval", "profile", "")),
    # What Envoy could not read so far has no id yet, and some of it no headers.
    EdgeError(431, code_pb2.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", "the headers are larger than the limit"),
    EdgeError(408, code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the request did not arrive in time"),
    EdgeError("response.code >= 500", code_pb2.INTERNAL, "INTERNAL", "the edge has failed"),
    EdgeError("response.code >= 400", code_pb2.INVALID_ARGUMENT, "INVALID_FIELD", "the edge cannot read this request"),
)
# google/rpc/code.proto; 413 stays where it is: it says more than 429.
_HTTP_OF = {
    code_pb2.UNAUTHENTICATED: 401, code_pb2.UNAVAILABLE: 503, code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.NOT_FOUND: 404, code_pb2.INTERNAL: 500,
}  # fmt: skip


# A JSON request carries gRPC's content type once it is transcoded; only then it has an original method.
_IS_GRPC: tuple[Json, ...] = (
    {"header_filter": {"header": {"name": "content-type", "string_match": {"prefix": "application/grpc"}}}},
    {"header_filter": {"header": {"name": "x-envoy-original-method", "present_match": False}}},
)


def reply_mappers() -> list[Json]:
    """Makes the mappers of Envoy's `local_reply_config`: for each error one for gRPC and one for everybody else."""
    unknown = EdgeError(404, code_pb2.UNIMPLEMENTED, "NOT_IMPLEMENTED_YET", "the contract has no such RPC")
    pairs = ((_for_grpc(error), _for_http(error)) for error in EDGE_ERRORS)
    return [
        _words_only(_REFUSED_BY_SCRIPT),
        {**_words_only(_REFUSED_BY_TRANSCODER), "headers_to_add": [_header(_MARK, _REQUEST_ID)]},
        _for_grpc(unknown),
        *(mapper for pair in pairs for mapper in pair),
    ]


def _words_only(when: str) -> Json:
    words = {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}, "content_type": _JSON}
    return {"filter": _condition(when), "body_format_override": words}


def _for_grpc(error: EdgeError) -> Json:
    details = base64.b64encode(_in_whole_triples(error)).decode()
    headers = {"grpc-status": str(error.code), "grpc-status-details-bin": details, "grpc-message": error.message}
    return {
        "filter": _both(_condition(error.when), *_IS_GRPC),
        # gRPC always answers 200; for gRPC-Web it must be said, its filter makes up a code from any other status.
        "status_code": 200,
        "headers_to_add": [_header(key, value) for key, value in {**headers, _MARK: _REQUEST_ID}.items()],
        "body_format_override": {"text_format_source": {"inline_string": ""}, "content_type": "application/grpc"},
    }


def _in_whole_triples(error: EdgeError) -> bytes:
    """Serializes a status to a multiple of three bytes, so that more can follow its base64.

    To say the code once more changes nothing: of a field that comes again, protobuf takes the last.
    """
    raw: bytes = error.status().SerializeToString()
    again: bytes = status_pb2.Status(code=error.code).SerializeToString()
    while len(raw) % 3:
        raw += again
    return raw


def _for_http(error: EdgeError) -> Json:
    body = json_format.MessageToDict(error.status())
    body["details"].append({"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": _REQUEST_ID})
    mapper: Json = {
        "filter": _condition(error.when),
        "status_code": _HTTP_OF.get(error.code) or error.when,
        # A request that Envoy could not read has no id; the field is left out then.
        "body_format_override": {"json_format": body, "content_type": _JSON, "omit_empty_values": True},
    }
    if error.retry_after_s:
        mapper["headers_to_add"] = [_header("retry-after", str(error.retry_after_s))]
    return mapper


def _condition(when: str | int) -> Json:
    if isinstance(when, int):
        comparison = {"op": "EQ", "value": {"default_value": when, "runtime_key": "unset"}}
        return {"status_code_filter": {"comparison": comparison}}
    return {
        "extension_filter": {
            "name": "cel",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                "expression": when,
            },
        }
    }


def _both(*filters: Json) -> Json:
    return {"and_filter": {"filters": list(filters)}}


def _header(key: str, value: str) -> Json:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
