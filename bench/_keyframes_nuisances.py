"""What happens in the clips of `keyframes.py` without anybody changing clothes: light, camera and people move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench._keyframes_camera import Script, Studio, View

Maker = Callable[[Studio, np.random.Generator], Script]


def _still(_studio: Studio, _rng: np.random.Generator) -> Script:
    return lambda studio, _t, _i: studio.base


def _flicker(_studio: Studio, rng: np.random.Generator) -> Script:
    depth, rate, bands = rng.uniform(0.06, 0.25), rng.uniform(0.5, 9), bool(rng.random() < 0.5)

    def script(studio: Studio, time_s: float, _index: int) -> View:
        wave = depth * np.sin(2 * np.pi * rate * time_s) + 0.3 * depth * float(studio.rng.normal())
        if bands:
            return replace(studio.base, band=(0.7 * depth, rate * time_s))
        return replace(studio.base, gain=(1 + wave,) * 3)

    return script


def _mains(_studio: Studio, rng: np.random.Generator) -> Script:
    """Lamps that pulse at 100 or 120 Hz before a rolling shutter: bands that stand, creep or jump between frames."""
    depth, count, upright = rng.uniform(0.05, 0.3), rng.uniform(0.6, 3.5), bool(rng.random() < 0.3)
    creep = rng.uniform(-0.5, 0.5) if rng.random() < 0.5 else rng.uniform(-0.03, 0.03)

    def script(studio: Studio, _time_s: float, index: int) -> View:
        return replace(studio.base, band=(depth, creep * index), band_count=count, upright=upright)

    return script


def _ramp(_studio: Studio, rng: np.random.Generator) -> Script:
    low, high = sorted(rng.uniform([0.45, 1.0], [0.95, 1.7]))
    low, high = (high, low) if rng.random() < 0.5 else (low, high)
    period, add = rng.uniform(1.0, 6.0), float(rng.choice([0.0, 0.0, 25.0]))

    def script(studio: Studio, time_s: float, _index: int) -> View:
        share = 0.5 - 0.5 * np.cos(np.pi * min(time_s, 6) / period)
        gain = low + (high - low) * share
        return replace(studio.base, gain=(gain,) * 3, offset=add * share)

    return script


def _white_balance(_studio: Studio, rng: np.random.Generator) -> Script:
    target, start, length = rng.uniform(0.75, 1.3, 3), rng.uniform(1, 3), rng.choice([0.0, 0.6, 2.0])

    def script(studio: Studio, time_s: float, _index: int) -> View:
        share = float(np.clip((time_s - start) / max(length, 1e-3), 0, 1))
        b, g, r = (float(1 + (value - 1) * share) for value in target)
        return replace(studio.base, gain=(b, g, r))

    return script


def _pan(_studio: Studio, rng: np.random.Generator) -> Script:
    reach, period = rng.uniform(80, 260), rng.uniform(6, 14)
    tilt, phase = rng.uniform(0, 120), rng.uniform(0, 6)

    def script(studio: Studio, time_s: float, _index: int) -> View:
        angle = 2 * np.pi * time_s / period + phase
        return replace(studio.base, dx=reach * np.sin(angle), dy=tilt * np.cos(angle))

    return script


def _shake(_studio: Studio, rng: np.random.Generator) -> Script:
    strength, turn = rng.uniform(2, 14), rng.uniform(0, 1.2)
    state = np.zeros(3)

    def script(studio: Studio, _time_s: float, _index: int) -> View:
        state[:] = 0.7 * state + studio.rng.normal(0, 1, 3)
        return replace(studio.base, dx=strength * state[0], dy=strength * state[1], turn=turn * state[2])

    return script


def _zoom(_studio: Studio, rng: np.random.Generator) -> Script:
    far, period = rng.uniform(1.15, 1.6), rng.uniform(4, 10)

    def script(studio: Studio, time_s: float, _index: int) -> View:
        return replace(studio.base, zoom=1 + (far - 1) * (0.5 - 0.5 * np.cos(2 * np.pi * time_s / period)))

    return script


def _noise(studio: Studio, rng: np.random.Generator) -> Script:
    studio.base.noise = float(rng.uniform(10, 22))
    return _still(studio, rng)


def _low_light(studio: Studio, rng: np.random.Generator) -> Script:
    gain = float(rng.uniform(0.12, 0.3))
    studio.base = replace(studio.base, gain=(gain,) * 3, noise=float(rng.uniform(5, 9)))
    return _still(studio, rng)


def _walk(studio: Studio, rng: np.random.Generator) -> Script:
    start, reach, period = studio.world.people[0].x, rng.uniform(60, 170), rng.uniform(5, 10)

    def script(studio: Studio, time_s: float, _index: int) -> View:
        angle = 2 * np.pi * time_s / period
        who = studio.world.people[0]
        studio.world.people[0] = replace(who, x=start + reach * np.sin(angle), swing=0.6, phase=7 * time_s)
        return studio.base

    return script


def _gesture(_studio: Studio, rng: np.random.Generator) -> Script:
    reach, rate = rng.uniform(0.4, 1.6), rng.uniform(1, 4)

    def script(studio: Studio, time_s: float, _index: int) -> View:
        lift = reach * (0.5 - 0.5 * np.cos(rate * time_s))
        studio.world.people[0] = replace(studio.world.people[0], arm_lift=lift, swing=0.2)
        return studio.base

    return script


def _shadow(_studio: Studio, rng: np.random.Generator) -> Script:
    depth, period = rng.uniform(0.15, 0.45), rng.uniform(3, 9)
    return lambda studio, t, _i: replace(studio.base, shadow=depth * (0.5 - 0.5 * np.cos(2 * np.pi * t / period)))


NEGATIVES: dict[str, Maker] = {
    "still": _still,
    "flicker": _flicker,
    "mains": _mains,
    "ramp": _ramp,
    "white_balance": _white_balance,
    "pan": _pan,
    "shake": _shake,
    "zoom": _zoom,
    "noise": _noise,
    "low_light": _low_light,
    "walk": _walk,
    "gesture": _gesture,
    "shadow": _shadow,
}
