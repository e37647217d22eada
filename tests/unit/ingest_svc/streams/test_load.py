"""When a process has work enough, and when it takes streams again."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from ingest_svc.streams.events import Limits
from ingest_svc.streams.limits.entry import Entry
from ingest_svc.streams.limits.load import Load, LoadLimits, Sample
from mesh.errors import ResourceExhaustedError

pytestmark = pytest.mark.unit
_LIMITS = LoadLimits(max_loop_lag_s=0.2, max_waiting_pictures=10)


class Shown:
    """Stands in for a gauge."""

    value = -1.0

    def set(self, value: float) -> None:
        self.value = value


def load() -> Load:
    return Load(_LIMITS, lambda: 0)


def refuses(load: Load) -> bool:
    return load.refusing


_now_s = itertools.accumulate(itertools.repeat(0.1))


def feed(load: Load, lag_s: float, pictures: int, count: int) -> None:
    for _ in range(count):
        load.note(Sample(next(_now_s), lag_s, pictures))


@pytest.mark.parametrize(
    ("lag_s", "pictures", "setting"),
    [
        pytest.param(0.0, 0, None, id="idle"),
        pytest.param(0.2, 10, None, id="just at both limits"),
        pytest.param(0.3, 0, "max_loop_lag_s", id="the loop lags"),
        pytest.param(0.0, 11, "max_waiting_pictures", id="pictures wait"),
        pytest.param(0.3, 100, "max_waiting_pictures", id="both, and the worse is named"),
    ],
)
def test_new_streams_are_refused_while_there_is_too_much_work(lag_s: float, pictures: int, setting: str | None) -> None:
    busy = load()
    busy.check()  # before the first sample
    feed(busy, lag_s, pictures, 40)
    if setting is None:
        busy.check()
        return
    with pytest.raises(ResourceExhaustedError) as caught:
        busy.check()
    error = caught.value
    assert (error.reason, error.metadata["setting"], error.metadata["scope"]) == ("CAPACITY_REACHED", setting, "server")
    assert float(error.metadata["actual"]) > float(error.metadata["limit"])
    assert error.retry_after_s is not None
    assert 1.6 <= error.retry_after_s <= 2.4


@pytest.mark.parametrize(("lag_s", "pictures"), [(9.0, 0), (0.0, 500)], ids=["a long step", "many begin at once"])
def test_a_moment_is_no_overload(lag_s: float, pictures: int) -> None:
    busy = load()
    feed(busy, 0.0, 0, 20)
    feed(busy, lag_s, pictures, 9)
    busy.check()
    feed(busy, lag_s, pictures, 9)
    assert refuses(busy)


def test_long_steps_one_after_another_are_overload_before_two_seconds_of_samples_are_many() -> None:
    busy = load()
    for number in range(5):
        assert not refuses(busy)
        busy.note(Sample(number * 3.0, 2.9, 0))
    assert refuses(busy)
    for number in range(3):
        busy.note(Sample(12.0 + (number + 1) * 0.1, 0.0, 0))
    assert not refuses(busy)


def test_streams_are_taken_again_well_below_the_limit_only() -> None:
    busy = load()
    feed(busy, 0.3, 0, 20)
    assert refuses(busy)
    feed(busy, 0.15, 0, 60)
    assert refuses(busy)  # below the limit, but not by half
    feed(busy, 0.05, 0, 20)
    assert not refuses(busy)
    feed(busy, 0.15, 0, 60)
    assert not refuses(busy)


async def test_a_loop_that_is_held_up_is_measured_and_shown() -> None:
    lag, refusing = Shown(), Shown()
    busy = Load(LoadLimits(0.05, 10), lambda: 3, lag_gauge=lag, refusing_gauge=refusing)
    watching = asyncio.create_task(busy.watch())
    try:
        async with asyncio.timeout(20):
            while not refuses(busy):
                await asyncio.sleep(0)
                time.sleep(0.2)  # noqa: ASYNC251 - it is what holds the loop up
            assert lag.value > 0.05
            assert refusing.value == 1.0
            while refuses(busy):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert refusing.value == 0.0
    finally:
        watching.cancel()


def test_entry_refuses_by_load_what_is_new_and_counts_every_refusal() -> None:
    busy, counted = load(), list[str]()
    entry = Entry(Limits(max_streams=2, max_streams_per_user=1), busy, counted.append)
    feed(busy, 1.0, 0, 20)
    with pytest.raises(ResourceExhaustedError), entry.admit("ada", resumes=False):
        pass
    assert counted == ["server"]
    with entry.admit("ada", resumes=True):
        with pytest.raises(ResourceExhaustedError), entry.admit("ada", resumes=True):
            pass
        with pytest.raises(KeyError), entry.admit("bob", resumes=True):
            raise KeyError
    assert counted == ["server", "user"]
    elsewhere = ResourceExhaustedError("elsewhere", "CAPACITY_REACHED", {"scope": "user"})
    with pytest.raises(ResourceExhaustedError), entry.admit("ada", resumes=True):
        raise elsewhere
    assert counted == ["server", "user", "user"]
