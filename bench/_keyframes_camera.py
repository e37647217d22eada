"""How the clips of `keyframes.py` are taken: camera, light and sensor before a drawn world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from bench._keyframes_scene import WORLD_PX, Image, World, some_ground, some_person

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
        band_count: How many of them are in the picture.
        upright: Whether they stand, as in a phone that is held upright.
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
    band_count: float = 1.7
    upright: bool = False
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
        lines = np.linspace(0, 1, width if view.upright else height, endpoint=False, dtype=np.float32)
        gain = 1 + view.band[0] * np.sin(2 * np.pi * (view.band_count * lines + view.band[1]))
        light = light * (gain[None, :, None] if view.upright else gain[:, None, None])
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


def rng_of(kind: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, *kind.encode()])
