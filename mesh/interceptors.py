"""What happens around every RPC, in one visible order: telemetry, deadline, auth, validation, errors.

The order stands in `MeshInterceptor.serve`. It is one gRPC interceptor with five stages and not five interceptors, so
that a message of a stream passes one small function (`mesh.validation.accept`, a few microseconds) and no stack of
generators. Messages reach the servicer parsed and checked; they are parsed here, after authentication, so that broken
bytes are an INVALID_ARGUMENT like any other and strangers cost no parsing.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio

from mesh.auth import TokenVerifier, check_role
from mesh.contract import Access, RpcRule
from mesh.deadline import limited
from mesh.failures import FailureStage
from mesh.observation import TelemetryStage
from mesh.readiness import Readiness
from mesh.validation import accept

T = TypeVar("T")
Handler = Any  # grpc.RpcMethodHandler: its stubs know no aio behaviours
_INFRASTRUCTURE = ("/grpc.health.", "/grpc.reflection.")


class MeshInterceptor(grpc.aio.ServerInterceptor):
    """The stages around every RPC of the contract; health and reflection pass untouched."""

    def __init__(
        self,
        rules: dict[str, RpcRule],
        *,
        telemetry: TelemetryStage,
        readiness: Readiness,
        verifier: TokenVerifier,
        failures: FailureStage,
        default_deadline_s: float,
        max_message_bytes: int,
    ) -> None:
        self._rules = rules
        self._telemetry = telemetry
        self._readiness = readiness
        self._verifier = verifier
        self._failures = failures
        self._default_deadline_s = default_deadline_s
        self._max_message_bytes = max_message_bytes
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]], details: grpc.HandlerCallDetails
    ) -> Handler:
        """Gives gRPC the handler of an RPC, with the stages around it; each handler is wrapped once.

        Args:
            continuation: Finds the registered handler.
            details: Which RPC is called.
        """
        path: str = details.method
        if path in self._wrapped:
            return self._wrapped[path]
        handler = await continuation(details)
        if handler is None or path.startswith(_INFRASTRUCTURE):
            return handler
        wrapped = self._wrapped[path] = self._wrap(self._rules[path], handler)
        return wrapped

    async def serve(self, rule: RpcRule, context: Any, body: Callable[[Callable[[bytes], Any]], Awaitable[T]]) -> T:
        """Serves one call: this is the order of the stages.

        Args:
            rule: What the contract says about the RPC.
            context: gRPC's context of the call.
            body: Calls the servicer; gets the function that turns bytes into a checked message.

        Returns:
            What `body` returns.
        """
        with self._telemetry.observe(rule, context) as observed:  # 1. telemetry
            call = observed.call
            try:
                self._readiness.check()
                async with limited(call, context, rule, self._default_deadline_s):  # 2. deadline
                    call.caller = await self._authenticate(rule, observed.metadata)  # 3. auth
                    limit = self._max_message_bytes
                    return await body(lambda raw: accept(raw, rule, call.caller, limit))  # 4. ownership and validation
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the one place where all of them end
                return await self._failures.answer(error, observed, context)  # 5. errors

    async def _authenticate(self, rule: RpcRule, metadata: dict[str, str]) -> Any:
        if rule.access is Access.ANONYMOUS:
            return None
        caller = await self._verifier.authenticate(metadata.get("authorization"))
        check_role(caller, rule.access)
        return caller

    def _wrap(self, rule: RpcRule, handler: Handler) -> Handler:
        serializer = handler.response_serializer
        if handler.request_streaming and handler.response_streaming:
            behaviour = self._many_to_many(rule, handler.stream_stream)
            return grpc.stream_stream_rpc_method_handler(behaviour, None, serializer)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(self._many_to_one(rule, handler.stream_unary), None, serializer)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._one_to_many(rule, handler.unary_stream), None, serializer)
        return grpc.unary_unary_rpc_method_handler(self._one_to_one(rule, handler.unary_unary), None, serializer)

    def _one_to_one(self, rule: RpcRule, behaviour: Any) -> Any:
        async def serve(raw: bytes, context: Any) -> Any:
            async def body(check: Callable[[bytes], Any]) -> Any:
                return await behaviour(check(raw), context)

            return await self.serve(rule, context, body)

        return serve

    def _one_to_many(self, rule: RpcRule, behaviour: Any) -> Any:
        async def serve(raw: bytes, context: Any) -> None:
            async def body(check: Callable[[bytes], Any]) -> None:
                await _write_all(behaviour(check(raw), context), context)

            await self.serve(rule, context, body)

        return serve

    def _many_to_one(self, rule: RpcRule, behaviour: Any) -> Any:
        async def serve(_: AsyncIterator[bytes], context: Any) -> Any:
            async def body(check: Callable[[bytes], Any]) -> Any:
                checked = _CheckedContext(context, check)
                return await behaviour(checked, checked)

            return await self.serve(rule, context, body)

        return serve

    def _many_to_many(self, rule: RpcRule, behaviour: Any) -> Any:
        async def serve(_: AsyncIterator[bytes], context: Any) -> None:
            async def body(check: Callable[[bytes], Any]) -> None:
                checked = _CheckedContext(context, check)
                await _write_all(behaviour(checked, checked), context)

            await self.serve(rule, context, body)

        return serve


class _CheckedContext:
    """gRPC's context, and the iterator of its messages: what servicers read either way is parsed and checked.

    gRPC's own iterator is two generators around `read`, which cost every frame of a stream some microseconds.
    """

    def __init__(self, context: Any, check: Callable[[bytes], Any]) -> None:
        self._context = context
        self._read = context.read
        self._check = check

    def __aiter__(self) -> _CheckedContext:
        return self

    async def __anext__(self) -> Any:
        raw = await self._read()
        if raw is grpc.aio.EOF:
            raise StopAsyncIteration
        return self._check(raw)

    async def read(self) -> Any:
        raw = await self._read()
        return raw if raw is grpc.aio.EOF else self._check(raw)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


async def _write_all(answers: Any, context: Any) -> None:
    """Writes what an async generator yields; a coroutine writes to the context itself."""
    if inspect.isawaitable(answers):
        await answers
        return
    async with contextlib.aclosing(answers):
        async for answer in answers:
            await context.write(answer)
