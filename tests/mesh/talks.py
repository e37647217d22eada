"""One live stream on each way that can carry one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc.aio
import grpclib.client
from google.protobuf.json_format import ParseDict
from websockets.asyncio.client import connect

from tests.mesh.answers import Failure
from tests.mesh.carriers import BetterCarrier, Carrier, GrpcCarrier, Headers, Request, Response, SocketCarrier
from tests.mesh.ways import MAX_BYTES

# A machine that is busy otherwise takes its time.
_OPEN_S = 45.0
KINDS = ["grpc", "better", "ws-proto", "ws-json"]


class Talk:
    """A conversation over a carrier.

    Attributes:
        events: All that came, in order.
    """

    def __init__(self, carrier: Carrier) -> None:
        self.events: list[Response] = []
        self.carrier = carrier
        self._came = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def send(self, **message: Any) -> None:
        """Sends a message in proto JSON: `config={...}`, `frame={...}`, `command={...}`."""
        await self.carrier.send(ParseDict(message, Request()))

    async def until(self, found: Callable[[Response], bool], timeout_s: float = 60.0) -> Response:
        """Returns the first event, past or future, of which `found` is true."""

        async def wait() -> Response:
            async with self._came:
                while not (matches := [event for event in self.events if found(event)]):
                    assert not self._reading.done(), f"ended: {await self.carrier.failure()}; {self.events}"
                    await self._came.wait()
                return matches[0]

        return await asyncio.wait_for(wait(), timeout_s)

    async def end(self, timeout_s: float = 60.0) -> Failure | None:
        """Waits for the end, and tells how it was."""
        await asyncio.wait_for(self._reading, timeout_s)
        return await self.carrier.failure()

    async def close(self) -> None:
        """Stops listening."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    async def _read(self) -> None:
        async with contextlib.aclosing(self.carrier.receive()) as events:  # type: ignore[type-var]  # all are generators
            async for event in events:
                async with self._came:
                    self.events.append(event)
                    self._came.notify_all()
        async with self._came:
            self._came.notify_all()


@contextlib.asynccontextmanager
async def talk(kind: str, target: str, token: str, more: Headers | None = None) -> AsyncIterator[Talk]:
    """Opens a stream.

    Args:
        kind: One of `KINDS`.
        target: The edge.
        token: The caller's token; empty for none.
        more: More headers.
    """
    headers = {**({"authorization": f"Bearer {token}"} if token else {}), **(more or {})}
    async with contextlib.AsyncExitStack() as stack:
        if kind == "grpc":
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(target))
            carrier: Carrier = GrpcCarrier(channel, headers)
        elif kind == "better":
            host, _, port = target.partition(":")
            carrier = BetterCarrier(await stack.enter_async_context(grpclib.client.Channel(host, int(port))), headers)
        else:
            carrier = SocketCarrier(await stack.enter_async_context(socket_to(target, kind, headers)))
        talk = Talk(carrier)
        stack.push_async_callback(talk.close)
        yield talk


def socket_to(
    target: str, kind: str, headers: Headers, path: str = "/v1/stream", *, offered: Sequence[str] = ()
) -> connect:
    """Opens a WebSocket.

    Args:
        target: The edge.
        kind: `ws-proto` or `ws-json`.
        headers: Headers of the upgrade request.
        path: Which stream.
        offered: More subprotocols; a browser's token is one.
    """
    protocols: Any = [f"vitrine.v1.{kind.removeprefix('ws-')}", *offered]
    return connect(
        f"ws://{target}{path}", subprotocols=protocols, additional_headers=headers, proxy=None,
        max_size=MAX_BYTES, close_timeout=0.1, open_timeout=_OPEN_S,
    )  # fmt: skip
