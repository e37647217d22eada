"""The state file of a generation."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retrieval_svc.index.build import STATE_FILE, write_state
from retrieval_svc.index.generation import GenerationState, state_from_json
from tests.unit.retrieval_svc.catalogue import RATES

pytestmark = pytest.mark.unit

STATE = GenerationState(1, "m/1", 24, RATES, 0, 10, 0, False, dt.datetime(2026, 1, 2, tzinfo=dt.UTC))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_state(tmp_path, STATE.advanced(7, 2))
    assert state_from_json(json.loads((tmp_path / STATE_FILE).read_text())) == STATE.advanced(7, 2)


def test_writes_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    states = [STATE.advanced(10 ** (number % 9), number) for number in range(12)]  # texts of different lengths
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda state: write_state(tmp_path, state), states))
    assert state_from_json(json.loads((tmp_path / STATE_FILE).read_text())) in states
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]
