"""The clips of `keyframes.py`: each kind of change and of nuisance, drawn from a seed, with its exact truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from bench._keyframes_scene import (
    WORLD_PX,
    Garment,
    Image,
    Person,
    World,
    dressed,
    other_color,
    some_ground,
    some_person,
)

NS = 1_000_000_000


@dataclass
class View:
    """How one frame is taken.

    Attributes:
        dx, dy: Where the camera looks, pixels of the world off its middle.
        zoom: 1 shows 640x480 pixels of the world.
        turn: Degrees.
        gain: By which each of B, G, R is multiplied.
        offset: What is added.
        shadow: How much darker the left side is than the right, 0-1.
        band: How strong and where bands of a rolling shutter under mains light are: `(strength, phase)`.
        noise: Standard deviation of the sensor's noise, levels.
        blur: Sigma of the lens, pixels.
    """

    dx: float = 0.0
    dy: float = 0.0
    zoom: float = 1.0
    turn: float = 0.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: float = 0.0
    shadow: float = 0.0
    band: tuple[float, float] = (0.0, 0.0)
    noise: float = 2.0
    blur: float = 0.0


@dataclass(frozen=True)
class Setting:
    """What a clip's camera is: rate, size, and JPEG quality."""

    fps: float = 10.0
    width_px: int = 640
    height_px: int = 480
    quality: int = 75
    seconds: float = 6.0


@dataclass
class Clip:
    """Frames and what is true about them.

    Attributes:
        name: Kind and seed.
        kind: What happens.
        jpegs: The frames.
        times_ns: When each was taken.
        changes_s: From when to when each change of outfit (or scene) happens, seconds after the first frame.
    """

    name: str
    kind: str
    jpegs: list[bytes] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    changes_s: list[tuple[float, float]] = field(default_factory=list)


class Studio:
    """Draws one clip frame by frame."""

    def __init__(self, rng: np.random.Generator, setting: Setting, *, height: float | None = None) -> None:
        self.rng = rng
        self.setting = setting
        self.world = World(some_ground(self.rng))
        self.height = height or float(self.rng.uniform(220, 460))
        self.world.people = [some_person(self.rng, self.height)]
        self.base = View(noise=float(self.rng.uniform(1, 5)), blur=float(self.rng.choice([0.0, 0.0, 0.8])))
        self._grain = self.rng.normal(0, 1, (600, 800, 3)).astype(np.float32)
        self._rate = float(self.rng.uniform(1.5, 3.0))

    @property
    def person(self) -> object:
        return self.world.people[0]

    def stand(self, time_s: float) -> None:
        """Lets everybody sway as people do who stand."""
        self.world.people = [replace(p, phase=self._rate * time_s + i) for i, p in enumerate(self.world.people)]

    def shot(self, view: View) -> Image:
        """Takes a picture: uint8 `(height_px, width_px, 3)` BGR."""
        image = photographed(self.world.drawn(), view, self.setting)
        top, left = int(self.rng.integers(0, 8)), int(self.rng.integers(0, 8))
        height, width = image.shape[:2]
        grain = cv2.resize(self._grain, (width + 8, height + 8)) if width > 790 or height > 590 else self._grain
        return developed(image, view, np.asarray(grain[top : top + height, left : left + width], np.float32))


def photographed(world: Image, view: View, setting: Setting) -> Image:
    """What the camera sees of a world."""
    width, height = setting.width_px, setting.height_px
    scale = view.zoom * max(width / 640, height / 480)
    matrix = cv2.getRotationMatrix2D((WORLD_PX[0] / 2 + view.dx, WORLD_PX[1] / 2 + view.dy), view.turn, scale)
    matrix[:, 2] += np.array([width / 2 - WORLD_PX[0] / 2 - view.dx, height / 2 - WORLD_PX[1] / 2 - view.dy])
    flags = cv2.INTER_AREA if scale < 0.7 else cv2.INTER_LINEAR
    image = cv2.warpAffine(world, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return (cv2.GaussianBlur(image, (0, 0), view.blur) if view.blur else image).astype(np.uint8)


def developed(image: Image, view: View, grain: npt.NDArray[np.float32]) -> Image:
    """Light, then the sensor: gains, shadow, bands, noise."""
    height, width = image.shape[:2]
    light = np.array(view.gain, np.float32)[None, None, :]
    if view.shadow:
        light = light * np.linspace(1 - view.shadow, 1, width, dtype=np.float32)[None, :, None]
    if view.band[0]:
        rows = np.arange(height, dtype=np.float32) / height
        light = light * (1 + view.band[0] * np.sin(2 * np.pi * (1.7 * rows + view.band[1])))[:, None, None]
    lit = image * light.astype(np.float32) + (view.offset + view.noise * grain)
    return np.clip(lit, 0, 255).astype(np.uint8)


Script = Callable[[Studio, float, int], View]


def filmed(kind: str, seed: int, script: Script, studio: Studio) -> Clip:
    """Takes all frames of a clip; `script` moves the world and says how each is taken."""
    setting, clip = studio.setting, Clip(f"{kind}-{seed}", kind)
    for index in range(round(setting.fps * setting.seconds)):
        time_s = index / setting.fps
        studio.stand(time_s)
        view = script(studio, time_s, index)
        _, jpeg = cv2.imencode(".jpg", studio.shot(view), [cv2.IMWRITE_JPEG_QUALITY, setting.quality])
        clip.jpegs.append(jpeg.tobytes())
        clip.times_ns.append(NS + round(time_s * NS))
    return clip


def _rng(kind: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, *kind.encode()])


# ---- positives -----------------------------------------------------------------------------------------------------
PARTS = {
    "equal_luma": "top",
    "small_jacket": "jacket",
    "hat": "hat",
    "whole_outfit": "all",
    "jacket": "jacket",
    "trousers": "bottom",
}
NUISANCES = ("still", "still", "flicker", "ramp", "pan", "shake", "walk", "noise")


def outfit_clip(kind: str, seed: int, setting: Setting, nuisance: str | None = None) -> Clip:
    """Somebody changes one part of the outfit twice, in one frame or within 0.4 s, under some nuisance."""
    rng = _rng(kind, seed)
    height = {"small_jacket": rng.uniform(130, 190), "hat": rng.uniform(230, 420)}.get(kind)
    studio = Studio(rng, setting, height=height)
    nuisance = nuisance or str(rng.choice(NUISANCES))
    move = NEGATIVES[nuisance](studio, rng)
    if kind == "equal_luma":
        plain = Garment(other_color(rng, (128, 128, 128), 45))
        studio.world.people = [replace(studio.world.people[0], top=plain, jacket=None)]
    moments = [float(rng.uniform(1.6, 2.6)), float(rng.uniform(4.0, 5.0))]
    looks = [studio.world.people[0]]
    for _ in moments:
        looks.append(dressed(looks[-1], rng, PARTS[kind], same_luma=kind == "equal_luma"))
    done = 0
    frame_s = 1 / setting.fps

    def script(studio: Studio, time_s: float, index: int) -> View:
        nonlocal done
        while done < len(moments) and time_s >= moments[done] - 1e-9:
            done += 1
            studio.world.people[0] = clothed(studio.world.people[0], looks[done])
        return move(studio, time_s, index)

    clip = filmed(kind, seed, script, studio)
    clip.name += f"-{nuisance}"
    clip.changes_s = [(at, at + frame_s) for at in moments]
    return clip


def clothed(person: Person, look: Person) -> Person:
    """The person where and how it is, in what `look` wears."""
    return replace(person, top=look.top, bottom=look.bottom, jacket=look.jacket, hat=look.hat, skirt=look.skirt)


def cut_clip(seed: int, setting: Setting) -> Clip:
    """Another scene, at once."""
    studio = Studio(_rng("cut", seed), setting)
    moments = [float(studio.rng.uniform(1.6, 2.6)), float(studio.rng.uniform(4.0, 5.0))]
    done = 0

    def script(studio: Studio, time_s: float, _index: int) -> View:
        nonlocal done
        while done < len(moments) and time_s >= moments[done]:
            done += 1
            studio.world = World(some_ground(studio.rng), [some_person(studio.rng, studio.height)])
        return studio.base

    clip = filmed("cut", seed, script, studio)
    clip.changes_s = [(at, at + 1 / setting.fps) for at in moments]
    return clip


# ---- negatives: makers of scripts ----------------------------------------------------------------------------------
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


def negative_clip(kind: str, seed: int, setting: Setting) -> Clip:
    """Nothing is put on or taken off; light, camera or people move."""
    studio = Studio(_rng(kind, seed), setting)
    return filmed(kind, seed, NEGATIVES[kind](studio, studio.rng), studio)


def suite(seeds: Iterator[int] | range, setting: Setting | None = None) -> Iterator[Clip]:
    """Every kind of clip once for each seed."""
    for seed in seeds:
        for kind in PARTS:
            yield outfit_clip(kind, seed, setting or Setting())
        yield cut_clip(seed, setting or Setting())
        for kind in NEGATIVES:
            yield negative_clip(kind, seed, setting or Setting())
