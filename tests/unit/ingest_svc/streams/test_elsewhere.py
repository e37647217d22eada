"""A user's frames over all processes: each gives what the others leave, or its share."""

from __future__ import annotations

import math
import random

import pytest

from ingest_svc.streams.limits.elsewhere import Elsewhere, OpenStream

pytestmark = pytest.mark.unit

_LIMIT = 240.0


def _saved(at_s: float, fps: float, name: str = "s", user: str = "ada") -> OpenStream:
    return OpenStream(name, user, at_s, round(1000 + at_s * fps))


@pytest.mark.parametrize(
    ("here", "elsewhere_fps", "allowed"),
    [
        pytest.param(1, [], 240, id="nothing elsewhere"),
        pytest.param(1, [0.0] * 19, 240, id="idle streams elsewhere cost nothing"),
        pytest.param(1, [24.0], 216, id="what the other leaves"),
        pytest.param(1, [1000.0], 120, id="a flood elsewhere leaves half"),
        pytest.param(3, [1000.0], 180, id="three of four streams are here"),
        pytest.param(1, [100.0, 100.0], 80, id="just the share"),
    ],
)
def test_a_process_gives_what_the_others_leave_or_its_share(
    here: int, elsewhere_fps: list[float], allowed: float
) -> None:
    watch = Elsewhere()
    for at_s in (0.0, 5.0):
        watch.see([_saved(at_s, fps, str(index)) for index, fps in enumerate(elsewhere_fps)])
    assert watch.allowed_fps("ada", _LIMIT, here) == pytest.approx(allowed)


def test_a_stream_that_is_new_gets_its_share_until_its_rate_is_known() -> None:
    watch = Elsewhere()
    told = []
    for saves in ([_saved(0, 10)], [_saved(0, 10)], [_saved(5, 10)], [_saved(5, 10)], []):
        watch.see(saves)
        told.append(watch.allowed_fps("ada", _LIMIT, 1))
    assert told == [120, 120, 230, 230, 240]


def test_without_a_limit_there_is_nothing_to_share() -> None:
    watch = Elsewhere()
    watch.see([_saved(0, 10)])
    assert watch.allowed_fps("ada", math.inf, 1) == math.inf


def test_another_user_is_another_matter() -> None:
    watch = Elsewhere()
    watch.see([_saved(0, 10, user="bo")])
    assert watch.allowed_fps("ada", _LIMIT, 1) == _LIMIT


def test_processes_that_take_what_they_may_keep_the_limit_together() -> None:
    rng = random.Random(5)
    for _ in range(200):
        sent = [rng.choice([0, 10, 24, 100, 300, 1000]) * rng.random() for _ in range(rng.randint(1, 6))]
        watches = [Elsewhere() for _ in sent]
        for at_s in (0.0, 5.0, 10.0):
            for index, watch in enumerate(watches):
                watch.see([_saved(at_s, fps, str(i)) for i, fps in enumerate(sent) if i != index])
        taken = [min(fps, watch.allowed_fps("ada", _LIMIT, 1)) for fps, watch in zip(sent, watches, strict=True)]
        assert sum(taken) <= _LIMIT + 1
        if sum(sent) <= _LIMIT - 1:
            assert taken == pytest.approx(sent)
