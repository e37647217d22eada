"""The benchmarks' clock counts all that a process has spent, also in threads that are gone."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from bench._frames_load import cpu_s

pytestmark = pytest.mark.unit

# Half a second of work in two threads, one after the other; both are gone when it says so.
PROGRAM = """
import sys, threading, time

def work():
    while time.thread_time() < 0.25:
        pass

for _ in range(2):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(time.process_time(), flush=True)
sys.stdin.read()
"""


def test_threads_that_have_ended_count() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        by_its_own_clock = float(process.stdout.readline())
        assert by_its_own_clock >= 0.5
        assert cpu_s(psutil.Process(process.pid)) == pytest.approx(by_its_own_clock, abs=0.02)
        process.communicate()
