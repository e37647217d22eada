"""What a failed call said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True)
class Failure:
    code: grpc.StatusCode
    reason: str
    metadata: dict[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()


async def failure_of(call: Any) -> Failure:
    """Awaits a call (or reads a stream) that must fail, and returns how."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _finish(call)
    error = caught.value
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
        if detail.Is(bad.DESCRIPTOR):
            detail.Unpack(bad)
    fields = tuple(item.field for item in bad.field_violations)
    facts = {name: value for name, value in info.metadata.items() if name != "request_id"}
    return Failure(error.code(), info.reason, facts, fields)


async def _finish(call: Any) -> None:
    if not hasattr(call, "__aiter__"):
        await call
        return
    async for _ in call:
        pass
