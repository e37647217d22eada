"""What a frame costs: StreamFrames beside its floor, over each transport, and beside the published stack, in one run.

    python bench/frames.py [--quick] [--soak MINUTES]
    python bench/frames.py --paced [--streams 200] [--processes 2] [--websocket] [--envoy] [--color] [--seconds 15]

Measured is the CPU time of the server process per frame (user + system, all threads; 640x480 JPEG, quality 75). In a
round all rows get the same clip, each on one stream, in slices of a few frames that take turns, so that whatever else
the machine does meets all of them alike. A ratio is taken within a round; the median of the rounds counts.

The floor is gRPC as raw as Python has it, one answer of two bytes per frame, and a quarter-size grey decode of the very
frames that ours decodes: all of them, or, as ours runs, those outside the minimum interval. Everything else is ours:
tokens, checks, the ledger, the rule, SSIM, keyframes and their results (10 % of the moving clip's frames).

All with the published settings (1 s, 10 s, 0.06, 0.85) and mode `luma` unless the row says `color`; frames 0.1 s apart
by the client's clock. The published stack is measured as its users run it, where OpenCV has a thread per core that its
code never asks for, and, in the full run, with OpenCV on one thread, as ours has it.

Paced phones run in processes of their own: with `behind`, how late they themselves were. Prints tables, then one line
of JSON; exit code 1 when a target is missed (`TARGETS` in `_frames_report.py`). The full run takes about 5 minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path

sys.path.pop(0)  # this folder: its `mesh.py` would hide the package

from bench._frames_load import COLOR, LUMA, OtherWork
from bench._frames_paced import Plan, memory, paced
from bench._frames_report import Measured, answer, show
from bench._frames_rows import all_rows, measure
from bench._frames_servers import Bench
from bench._frames_soak import soak


async def measured(bench: Bench, options: argparse.Namespace) -> Measured:
    """Measures what the options ask for."""
    result = Measured()
    if not options.paced:
        async with contextlib.AsyncExitStack() as stack:
            paths, others = await all_rows(bench, stack, published=not options.quick)
            rows = [*paths.values(), *others.values()]
            work = OtherWork({process for row in rows for process in (row.server, row.edge) if process})
            await measure(paths, 4 if options.quick else 15)
            await measure(others, 1 if options.quick else 10)
            result.groups, result.other_work_cores = (paths, others), work.cores()
        result.idle_mib = await memory(bench, (50,) if options.quick else (50, 100, 200))
    result.paced = [await paced(bench, plan) for plan in plans(options)]
    if options.soak:
        result.soak = await soak(bench, options.soak)
    return result


def plans(options: argparse.Namespace) -> list[Plan]:
    """Which paced streams are measured."""
    seconds = options.seconds or (4.0 if options.quick else 15.0)
    mode = COLOR if options.color else LUMA
    chosen = Plan(
        options.streams or (50 if options.quick else 100), seconds, options.processes, options.websocket,
        options.envoy, mode,
    )  # fmt: skip
    if options.paced or options.quick:
        return [chosen]
    return [
        chosen,
        Plan(chosen.streams, seconds, mode=COLOR),
        Plan(chosen.streams, seconds, websocket=True),
        Plan(2 * chosen.streams, seconds, processes=2, envoy=True),
    ]


async def run(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        result = await measured(Bench(Path(folder)), options)
    show(result)
    line = answer(result)
    print(json.dumps(line))
    return 1 if line["missed"] else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the headline ratios alone; below 50 s on an idle machine")
    parser.add_argument("--paced", action="store_true", help="paced streams alone")
    parser.add_argument("--streams", type=int, help="paced streams (default 100, 50 with --quick)")
    parser.add_argument("--seconds", type=float, help="length of the paced streams (default 15, 4 with --quick)")
    parser.add_argument("--processes", type=int, default=1, help="server processes of the paced streams")
    parser.add_argument("--websocket", action="store_true", help="paced streams over WebSocket")
    parser.add_argument("--envoy", action="store_true", help="paced streams through Envoy")
    parser.add_argument("--color", action="store_true", help="paced streams with keyframe mode `color`")
    parser.add_argument("--soak", type=float, help="also stream for so many minutes and watch the memory")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
