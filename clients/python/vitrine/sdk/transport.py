"""Between the stubs and the wire: the token, the deadline, and the true ending of a call."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc
import grpc.aio
from vitrine.sdk.errors import RpcFailure

_Stub = TypeVar("_Stub")
_Value = TypeVar("_Value")
# What grpc.aio says when a write fails, whatever the server said (grpc/grpc#36066, open).
_ARTEFACT = (grpc.StatusCode.INTERNAL, "Internal error from Core")
# The server's own status is on its way already when a write fails because of it.
_STATUS_S = 2.0


def with_token(metadata: Any, token: str) -> grpc.aio.Metadata:  # noqa: ANN401  grpc takes any sequence of pairs
    """Adds the token to the metadata of a call.

    Args:
        metadata: Pairs, or None.
        token: A JWT; empty to add nothing.
    """
    added = grpc.aio.Metadata(*(metadata or ()))
    if token:
        added.add("authorization", f"Bearer {token}")
    return added


class _Interceptor:
    """Adds the token to each call, and a deadline to those that end by themselves."""

    def __init__(self, token: str, default_deadline_s: float) -> None:
        self._token = token
        self._default_deadline_s = default_deadline_s

    def details(self, details: Any, *, limited: bool) -> Any:  # noqa: ANN401  grpc.aio.ClientCallDetails
        timeout = details.timeout if details.timeout is not None or not limited else self._default_deadline_s
        return details._replace(metadata=with_token(details.metadata, self._token), timeout=timeout)


class _Unary(_Interceptor, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401
        call = await continuation(self.details(client_call_details, limited=True), request)
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise RpcFailure.of(error) from error


class _ServerStream(_Interceptor, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401
        return await continuation(self.details(client_call_details, limited=False), request)


class _ClientStream(_Interceptor, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:  # noqa: ANN401
        return await continuation(self.details(client_call_details, limited=False), request_iterator)


def interceptors(token: str, default_deadline_s: float) -> list[grpc.aio.ClientInterceptor]:
    """Makes the interceptors of a channel, for all kinds of calls but those that stream both ways.

    An intercepted call of that kind copies every message through a queue, and leaves a task behind that waits on the
    queue for ever when the server ends the call. See `with_tokens`.

    Args:
        token: A JWT.
        default_deadline_s: Time limit of a unary call, in seconds.
    """
    return [kind(token, default_deadline_s) for kind in (_Unary, _ServerStream, _ClientStream)]


class _WithToken:
    """A method that streams both ways, with the token added to each call."""

    def __init__(self, method: Any, token: str) -> None:  # noqa: ANN401  grpc.aio.StreamStreamMultiCallable
        self._method = method
        self._token = token

    def __call__(self, request_iterator: Any = None, *, metadata: Any = None, **options: Any) -> Any:  # noqa: ANN401
        return self._method(request_iterator, metadata=with_token(metadata, self._token), **options)


def with_tokens(stub: _Stub, token: str) -> _Stub:
    """Lets the methods of a stub that stream both ways send the token.

    Args:
        stub: A stub on a channel with `interceptors`; it is changed.
        token: A JWT.

    Returns:
        The same stub.
    """
    for name, method in list(vars(stub).items()):
        if isinstance(method, grpc.aio.StreamStreamMultiCallable):
            setattr(stub, name, _WithToken(method, token))
    return stub


class Ending:
    """What the server said at the end of a call that streams up.

    When a server ends such a call while the client still writes, the write fails, and grpc.aio puts a status of its own
    (INTERNAL) in place of the server's, before or after that has come. The server's is kept here.
    """

    def __init__(self, call: Any) -> None:  # noqa: ANN401  any call of grpc.aio
        """Watches a call; nothing is sent or read.

        Args:
            call: The call, just made.
        """
        self._told = asyncio.get_running_loop().create_future()
        call.add_done_callback(self._note)

    def _note(self, call: Any) -> None:  # noqa: ANN401
        """Called for each status in turn, while it is the status of the call."""
        code, details, trailing = _now(call.code()), _now(call.details()), _now(call.trailing_metadata())
        error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing or grpc.aio.Metadata(), details)
        if not _is_artefact(error) and not self._told.done():
            self._told.set_result(error)

    async def of(self, error: grpc.aio.AioRpcError) -> RpcFailure:
        """Tells why the call failed.

        Args:
            error: What reading from the call, or awaiting it, raised.

        Returns:
            The failure that the server meant; its code is OK when the server had simply ended the call.
        """
        if _is_artefact(error):
            with contextlib.suppress(TimeoutError):
                error = await asyncio.wait_for(asyncio.shield(self._told), _STATUS_S)
        return RpcFailure.of(error)


def _is_artefact(error: grpc.aio.AioRpcError) -> bool:
    return (error.code(), error.details()) == _ARTEFACT


def _now(answer: Coroutine[Any, Any, _Value]) -> _Value:
    """Gives what a coroutine returns that has nothing to wait for, as those of a call that is over."""
    try:
        answer.send(None)
    except StopIteration as end:
        value: _Value = end.value
        return value
    answer.close()
    raise RuntimeError("the call is not over")
