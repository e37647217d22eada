"""The retrieval service as a process of its own, for `bench/search.py`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import psutil
from vitrine.embedded.ports import free_port
from vitrine.retrieval.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    search_service_pb2,
    search_service_pb2_grpc,
)

from mesh.keys import SigningKey, key_set

# A service starts in 3 s; a machine that is busy with other things may need minutes for them.
_READY_S = 300.0
_POLL_S = 0.25
# What a service answers that has not started, or that a busy machine keeps from answering in time.
_LATER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
LOG = "service.log"
_MIB = 1024 * 1024


class RetrievalService:
    """A running service, and stubs of somebody who may do everything."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, token: str) -> None:
        self._process = psutil.Process(process.pid)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._search = search_service_pb2_grpc.SearchServiceStub(self._channel)
        self._catalog = catalog_service_pb2_grpc.CatalogServiceStub(self._channel)

    async def search(
        self, request: search_service_pb2.SearchProductsRequest
    ) -> search_service_pb2.SearchProductsResponse:
        """Calls SearchProducts."""
        return await self._search.SearchProducts(request, metadata=self._metadata, timeout=30)

    async def index(self) -> search_service_pb2.GetIndexResponse:
        """Calls GetIndex."""
        return await self._search.GetIndex(search_service_pb2.GetIndexRequest(), metadata=self._metadata, timeout=30)

    async def write_rates(self, request: catalog_service_pb2.UpsertCurrencyRatesRequest) -> None:
        """Calls UpsertCurrencyRates."""
        await self._catalog.UpsertCurrencyRates(request, metadata=self._metadata, timeout=30)

    async def units_per_euro(self) -> dict[str, float]:
        """Calls ListCurrencyRates; units for one euro by currency."""
        request = catalog_service_pb2.ListCurrencyRatesRequest()
        answer = await self._catalog.ListCurrencyRates(request, metadata=self._metadata, timeout=30)
        return {"EUR": 1.0} | {rate.currency_code: rate.units_per_euro for rate in answer.rates}

    async def until_generation(self, least: int, within_s: float) -> search_service_pb2.GetIndexResponse:
        """Waits until an index of this generation or a later one answers.

        Raises:
            TimeoutError: When it does not in time; the message has what the service says.
        """
        deadline, why = time.monotonic() + within_s, ""
        while True:
            try:
                index = await self.index()
            except grpc.aio.AioRpcError as error:
                if error.code() not in _LATER:
                    raise
                why = str(error.details())
            else:
                if index.generation >= least and index.state == search_service_pb2.INDEX_STATE_READY:
                    return index
                why = index.last_error
            if time.monotonic() > deadline:
                raise TimeoutError(f"no index of generation {least} after {within_s:.0f} s: {why}")
            await asyncio.sleep(_POLL_S)

    def cpu_s(self) -> float:
        """CPU time of the process so far, without its children, in seconds."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def rss_mib(self) -> float:
        """Resident memory of the process, in MiB."""
        return float(self._process.memory_info().rss / _MIB)

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()


@contextlib.asynccontextmanager
async def running_service(folder: Path, database_url: str) -> AsyncIterator[RetrievalService]:
    """Runs ``python -m retrieval_svc`` within the block, with its settings' defaults wherever they matter to speed.

    Args:
        folder: For its files.
        database_url: Of an empty or migrated database.
    """
    process, port, token = await asyncio.to_thread(_started, folder, database_url)
    service = RetrievalService(process, port, token)
    try:
        await _until_answers(service, process, folder)
        yield service
    finally:
        await service.close()
        await asyncio.to_thread(_end, process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    process.wait()


def _started(folder: Path, database_url: str) -> tuple[subprocess.Popen[bytes], int, str]:
    """Starts the process; returns it, its port and a token."""
    folder.mkdir(parents=True, exist_ok=True)
    key, port = SigningKey.generate(), free_port()
    (folder / "jwks.json").write_text(key_set([key]))
    settings = {
        "JWKS": folder / "jwks.json", "DATABASE_URL": database_url, "OBJECTS_URL": f"file://{folder}/objects",
        "INDEX_DIR": folder / "index", "VISION_TARGET": f"127.0.0.1:{free_port()}", "GRPC_PORT": port,
        "METRICS_PORT": 0, "LOG_LEVEL": "warning",
    }  # fmt: skip
    environment = os.environ | {f"VITRINE_{name}": str(value) for name, value in settings.items()}
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "retrieval_svc"], env=environment, stdout=log, stderr=log)
    return process, port, key.sign("bench", ["operator"], ttl_s=6 * 3600)


async def _until_answers(service: RetrievalService, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            await service.index()
        except grpc.aio.AioRpcError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                tail = (await asyncio.to_thread((folder / LOG).read_text, errors="replace"))[-2000:]
                raise RuntimeError(f"the service does not answer ({error.code().name}):\n{tail}") from error
        else:
            return
        await asyncio.sleep(0.1)
