"""What is known about the call that is being served: who, which, until when.

Everything that a request carries along without naming it in every signature stands here, in one context variable.
"""

from __future__ import annotations

import contextlib
import contextvars
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

REQUEST_ID_HEADER = "x-request-id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as their token says.

    Attributes:
        subject: The `sub` of the token; owns ``users/{subject}``.
        roles: Roles that the token says and its key may grant: ``operator``, ``service``; others mean nothing here.
    """

    subject: str
    roles: frozenset[str] = frozenset()

    @property
    def is_service(self) -> bool:
        """Whether another service of the mesh calls; ownership does not bind it."""
        return "service" in self.roles

    @property
    def is_operator(self) -> bool:
        """Whether the caller may change the catalogue and the ateliers."""
        return self.is_service or "operator" in self.roles


@dataclass(slots=True)
class Call:
    """One call on its way through this process.

    Attributes:
        rpc: ``vitrine.ingest.v1.CaptureService/GetCapture``, or a name of the like for a WebSocket.
        request_id: Id that all hops of one request share.
        deadline: Time on `time.monotonic` at which the caller stops waiting, or None.
        caller: Who calls, once it is known; None for an anonymous call.
    """

    rpc: str
    request_id: str
    deadline: float | None = None
    caller: Caller | None = None

    def remaining_s(self) -> float | None:
        """Returns the seconds until the deadline (0 when it has passed), or None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


_current: contextvars.ContextVar[Call | None] = contextvars.ContextVar("vitrine_call", default=None)


def current_call() -> Call | None:
    """Returns the call that this task serves, or None outside of one."""
    return _current.get()


@contextlib.contextmanager
def serving_call(call: Call) -> Iterator[Call]:
    """Makes `call` the current one within the block.

    Args:
        call: The call.

    Yields:
        The same call.
    """
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


def request_id_from(value: str | None) -> str:
    """Returns the caller's request id when it is well-formed, else a new one.

    Args:
        value: What the metadata `x-request-id` hold.
    """
    return value if value is not None and _REQUEST_ID.fullmatch(value) else str(uuid.uuid4())
