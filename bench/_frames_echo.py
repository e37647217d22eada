"""The floor, for `frames.py`: gRPC as raw as it gets, one small answer per frame.

    python bench/_frames_echo.py PORT

A frame whose first byte is 1 is also decoded to grey at a quarter of its size; the picture follows that byte.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import cv2
import grpc.aio
import numpy as np


class Handler(grpc.GenericRpcHandler):
    """Answers every RPC with its stream."""

    def service(self, _: object) -> grpc.RpcMethodHandler[Any, Any]:
        return grpc.stream_stream_rpc_method_handler(self.stream)

    async def stream(self, _: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        read: Any = context.read  # cheaper than the iterator of requests, so the floor has it
        while (raw := await read()) is not grpc.aio.EOF:
            if raw[0]:
                cv2.imdecode(np.frombuffer(raw, np.uint8, offset=1), cv2.IMREAD_REDUCED_GRAYSCALE_4)
            await context.write(b"ok")


async def main(port: str) -> None:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 1 << 24)])
    server.add_generic_rpc_handlers((Handler(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    cv2.setNumThreads(1)
    asyncio.run(main(*sys.argv[1:]))
