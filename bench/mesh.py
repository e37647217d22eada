"""What the mesh costs around its services: Envoy's share of a call, time to start, memory, and captures end to end.

    python bench/mesh.py [--quick] [--calls 1500] [--captures 60]

Starts the whole embedded mesh in a temporary folder, stops it, starts it again (warm: database, keys and catalogue are
there), and measures on the second one. Unary calls go, interleaved in one run, directly to the service and through
Envoy, one at a time. Prints tables, then one line of JSON; exit code 1 when a target is missed: p50 through Envoy at
most 1.8x direct, for each RPC; the whole mesh ready in at most 20 s warm; every capture succeeds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.pop(0)  # this folder: this file would hide the package `mesh`
# Processes are started while gRPC's threads run; every one becomes a program at once.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

import psutil
from vitrine.cli.clip import encode, read_photo
from vitrine.cli.demo import sample_photo
from vitrine.embedded.find import find_models_dir
from vitrine.embedded.home import Home
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.embedded.plan import MeshOptions
from vitrine.embedded.postgres import PostgresServer
from vitrine.ingest.v1 import capture_pb2
from vitrine.sdk import CatalogSource, RpcFailure, Vitrine, import_catalog

from bench._mesh_calls import DIRECT, EDGE, WAYS, Caller, interleaved, percentile, rpcs
from retrieval_svc.catalog.demo.export import DEFAULT_SEED, write_catalog

USER = "bench"
PRODUCTS = 60
USERS = 4  # captures come from several people; those of one person stand in one queue for the profile
RATIO, READY_S = 1.8, 20.0
MIB = 1024 * 1024


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[EmbeddedMesh]:
    """The mesh as `vitrine up` runs it, but for the rate limit, which is not what is measured."""
    limits = {"requests_per_second": 100_000, "total_requests_per_second": 100_000}
    async with EmbeddedMesh(Home(folder), MeshOptions(models_dir=find_models_dir(), edge_settings=limits)) as mesh:
        yield mesh


def client(mesh: EmbeddedMesh, user: str, *roles: str) -> Vitrine:
    return Vitrine(mesh.edge_target, user=user, token=mesh.keys.token(user, roles))


async def fill(mesh: EmbeddedMesh, folder: Path) -> None:
    """Imports a small catalogue and waits until search knows it."""
    await asyncio.to_thread(write_catalog, folder, PRODUCTS, DEFAULT_SEED)
    async with client(mesh, "shopkeeper", "operator") as shopkeeper:
        await import_catalog(shopkeeper, CatalogSource(folder / "catalog.jsonl"))
        for _ in range(100):
            with contextlib.suppress(RpcFailure):
                if (await shopkeeper.search_text("navy striped shirt")).matches:
                    return
            await asyncio.sleep(0.2)
    raise TimeoutError("the search index does not get ready")


async def latencies(mesh: EmbeddedMesh, count: int) -> dict[str, dict[str, list[float]]]:
    """Times of every RPC in every way, in seconds."""
    token, taken = mesh.keys.token(USER), {}
    for rpc in rpcs(USER):
        direct = f"127.0.0.1:{mesh.ports(rpc.service)['grpc']}"
        async with Caller(rpc, direct, mesh.edge_target, token) as caller:
            taken[rpc.name] = await interleaved(caller.calls(), count)
    return taken


async def captures(mesh: EmbeddedMesh, count: int) -> dict[str, float]:
    """Sends photos from several users at once and follows each to its end."""
    photo = sample_photo()
    assert photo is not None, "scikit-image is not installed"
    image, waits, states = encode(read_photo(photo)), list[float](), list[int]()

    async def one(mesh_client: Vitrine) -> None:
        began = time.perf_counter()
        made = await mesh_client.capture(image, cropped=True)
        async for seen in mesh_client.follow(made.name):
            made = seen
        waits.append(time.perf_counter() - began)
        states.append(made.state)

    async with contextlib.AsyncExitStack() as stack:
        people = [await stack.enter_async_context(client(mesh, f"{USER}-{number}")) for number in range(USERS)]
        await asyncio.gather(*(one(each) for each in people))  # warm up
        waits.clear()
        began = time.perf_counter()
        await asyncio.gather(*(one(people[number % USERS]) for number in range(count)))
        spent = time.perf_counter() - began
    return {
        "count": count, "per_second": round(count / spent, 2), "p50_s": round(statistics.median(waits), 2),
        "failed": sum(state != capture_pb2.Capture.STATE_SUCCEEDED for state in states),
    }  # fmt: skip


def memory(mesh: EmbeddedMesh) -> dict[str, dict[str, float | int | None]]:
    """Resident and proportional memory of every process of the mesh with its children, in MiB."""
    report: dict[str, dict[str, float | int | None]] = {}
    for state in mesh.state().processes:
        process = state.process()
        if process is None:
            continue
        family = [process, *process.children(recursive=True)]
        rss = sum(each.memory_info().rss for each in family) / MIB
        report[state.name] = {"rss_mib": round(rss, 1), "pss_mib": _pss(family), "processes": len(family)}
    return report


def _pss(family: list[psutil.Process]) -> float | None:
    """Memory with shared pages counted by share; None where the system does not tell."""
    try:
        return round(sum(int(each.memory_full_info().pss) for each in family) / MIB, 1)
    except (psutil.AccessDenied, AttributeError):
        return None


def show(taken: dict[str, dict[str, list[float]]], held: dict[str, dict[str, float | int | None]]) -> None:
    print(f"{'unary call, ms':16}" + "".join(f"{way + ' p50':>20} {'p95':>7}" for way in WAYS) + f"{'edge/direct':>14}")
    for name, ways in taken.items():
        cells = "".join(
            f"{statistics.median(ways[w]) * 1e3:20.2f} {percentile(ways[w], 0.95) * 1e3:7.2f}" for w in WAYS
        )
        print(f"{name:16}{cells}{ratio(ways):13.2f}x")
    print(f"\n{'memory, MiB':16}{'rss':>9}{'pss':>9}{'processes':>11}")
    for name, row in held.items():
        print(f"{name:16}{row['rss_mib']!s:>9}{row['pss_mib']!s:>9}{row['processes']!s:>11}")


def ratio(ways: dict[str, list[float]]) -> float:
    return statistics.median(ways[EDGE]) / statistics.median(ways[DIRECT])


def summary(
    starts: dict[str, float], taken: dict[str, dict[str, list[float]]], held: dict[str, dict[str, float | int | None]],
    done: dict[str, float],
) -> dict[str, object]:  # fmt: skip
    targets = {f"{name}_edge_over_direct": (ratio(ways), RATIO) for name, ways in taken.items()}
    targets |= {"warm_ready_s": (starts["warm"], READY_S), "captures_failed": (done["failed"], 0.0)}
    return {
        "bench": "mesh",
        "ready_s": starts,
        "unary_ms": {
            name: {
                way: {"p50": round(statistics.median(values) * 1e3, 3), "p95": round(percentile(values, 0.95) * 1e3, 3)}
                for way, values in ways.items()
            }
            for name, ways in taken.items()
        },
        "memory": held,
        # Resident memory counts a page of PostgreSQL's shared buffers once for each of its processes.
        "memory_total": {
            kind: round(sum(row[kind] or 0 for row in held.values()), 1) for kind in ("rss_mib", "pss_mib")
        },
        "captures": done,
        "targets": {
            name: {"value": round(value, 2), "target": f"<= {goal:g}"} for name, (value, goal) in targets.items()
        },
        "missed": [name for name, (value, goal) in targets.items() if value > goal],
    }


async def run(arguments: argparse.Namespace) -> int:
    count = arguments.calls or (120 if arguments.quick else 1500)
    photos = arguments.captures or (8 if arguments.quick else 60)
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder, contextlib.ExitStack() as stack:
        home = Path(folder)
        stack.callback(PostgresServer(Home(home / "mesh").postgres).delete)
        async with running(home / "mesh") as mesh:
            starts = {"cold": round(mesh.ready_after_s, 2)}
            await fill(mesh, home / "catalog")
        async with running(home / "mesh") as mesh:
            starts["warm"] = round(mesh.ready_after_s, 2)
            print(f"ready after {starts['cold']} s cold, {starts['warm']} s warm\n")
            taken = await latencies(mesh, count)
            done = await captures(mesh, photos)
            held = memory(mesh)
    show(taken, held)
    print(
        f"\n{done['count']} captures, {done['per_second']} per second, p50 {done['p50_s']} s, {done['failed']} failed"
    )
    answer = summary(starts, taken, held, done)
    print(json.dumps(answer))
    return 1 if answer["missed"] else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer calls and captures; below 50 s")
    parser.add_argument("--calls", type=int, help="unary calls per RPC and way (default 1500, 120 with --quick)")
    parser.add_argument("--captures", type=int, help="captures (default 60, 8 with --quick)")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
