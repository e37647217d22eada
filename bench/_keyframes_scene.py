"""What the clips of `keyframes.py` show: rooms and photographs, and people drawn in garments before them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data

from bench._keyframes_colors import Color, other_color, some_color

Image = npt.NDArray[np.uint8]

# A world is larger than what the camera shows of it, so that the camera can turn and zoom.
WORLD_PX = (1180, 860)
_PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "retina", "hubble_deep_field", "stereo_motorcycle", "brick")
_SKINS: tuple[Color, ...] = ((195, 215, 240), (150, 180, 225), (110, 145, 200), (70, 100, 150), (45, 65, 100))
_HAIRS: tuple[Color, ...] = ((25, 25, 30), (35, 55, 85), (90, 150, 190), (40, 60, 120), (150, 150, 155))
_PATTERNS = ("plain", "plain", "plain", "stripes", "checks", "dots")


@dataclass(frozen=True)
class Garment:
    """What is worn on one part: a colour, and a second one where it has a pattern."""

    color: Color
    pattern: str = "plain"
    second: Color = (0, 0, 0)


def some_garment(rng: np.random.Generator) -> Garment:
    color = some_color(rng)
    return Garment(color, str(rng.choice(_PATTERNS)), other_color(rng, color, 20))


@dataclass(frozen=True)
class Person:
    """A person in the world: where, how tall, in what, and in which pose.

    Attributes:
        x: Middle, pixels of the world.
        foot_y: Where the feet stand.
        height: Pixels from head to foot.
        phase: Of the walk or the sway, radians; arms and legs swing with it.
        swing: How much, 0 (stands) to 1 (strides).
    """

    x: float
    foot_y: float
    height: float
    skin: Color
    hair: Color
    top: Garment
    bottom: Garment
    jacket: Garment | None = None
    hat: Garment | None = None
    skirt: bool = False
    phase: float = 0.0
    swing: float = 0.05
    arm_lift: float = 0.0
    long_sleeves: bool = True


def some_person(rng: np.random.Generator, height: float) -> Person:
    width, bottom = WORLD_PX
    low = bottom * 0.5 + height * 0.5
    return Person(
        x=width * rng.uniform(0.38, 0.62), foot_y=min(low + rng.uniform(-30, 30), bottom * 0.5 + height * 0.52),
        height=height, skin=_SKINS[rng.integers(len(_SKINS))], hair=_HAIRS[rng.integers(len(_HAIRS))],
        top=some_garment(rng), bottom=some_garment(rng), skirt=bool(rng.random() < 0.3),
        long_sleeves=bool(rng.random() < 0.6), jacket=some_garment(rng) if rng.random() < 0.3 else None,
    )  # fmt: skip


@dataclass
class World:
    """A background with people before it."""

    ground: Image
    people: list[Person] = field(default_factory=list)

    def drawn(self) -> Image:
        """The world with its people, uint8 `(860, 1180, 3)` BGR."""
        image = self.ground.copy()
        for person in self.people:
            draw_person(image, person)
        return image


def some_ground(rng: np.random.Generator, *, photos: bool = True) -> Image:
    """A photograph, or a room: walls, a floor, furniture, pictures, all with texture."""
    if photos and rng.random() < 0.5:
        return _photo_ground(rng)
    width, height = WORLD_PX
    image = np.empty((height, width, 3), np.uint8)
    image[:] = some_color(rng)
    horizon = int(height * rng.uniform(0.6, 0.8))
    image[horizon:] = some_color(rng)
    for _ in range(rng.integers(6, 22)):
        x, y = int(rng.integers(-50, width)), int(rng.integers(-50, height))
        w, h = int(rng.integers(20, 240)), int(rng.integers(20, 240))
        color = some_color(rng)
        if rng.random() < 0.75:
            cv2.rectangle(image, (x, y), (x + w, y + h), color, -1)
            cv2.rectangle(image, (x, y), (x + w, y + h), some_color(rng), int(rng.integers(1, 6)))
        else:
            cv2.ellipse(image, (x, y), (w // 2, h // 2), float(rng.uniform(0, 180)), 0, 360, color, -1, cv2.LINE_AA)
    coarse = cv2.resize(rng.normal(0, 1, (12, 16)).astype(np.float32), WORLD_PX, interpolation=cv2.INTER_CUBIC)
    fine = cv2.resize(rng.normal(0, 1, (215, 295)).astype(np.float32), WORLD_PX, interpolation=cv2.INTER_LINEAR)
    shade = 1 + 0.10 * coarse + rng.uniform(0.0, 0.12) * fine
    return np.clip(image * shade[:, :, None], 0, 255).astype(np.uint8)


def _photo_ground(rng: np.random.Generator) -> Image:
    name = str(rng.choice(_PHOTOS))
    loaded = getattr(skimage.data, name)()
    photo = np.asarray(loaded[0] if isinstance(loaded, tuple) else loaded)
    if photo.ndim == 2:
        photo = np.repeat(photo[:, :, None], 3, axis=2)
    photo = np.ascontiguousarray(photo[:, :: int(rng.choice([-1, 1])), 2::-1])
    width, height = WORLD_PX
    scale = max(width / photo.shape[1], height / photo.shape[0])
    large = cv2.resize(photo, None, fx=scale * 1.01, fy=scale * 1.01, interpolation=cv2.INTER_CUBIC)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return np.ascontiguousarray(large[top : top + height, left : left + width]).astype(np.uint8)


def draw_person(image: Image, who: Person) -> None:
    """Draws a person into a picture, BGR, in place."""
    unit = who.height / 8  # a grown person is eight heads tall
    x, top = who.x, who.foot_y - who.height
    sway = 0.12 * unit * np.sin(who.phase) * (1 if who.swing < 0.2 else 0.4)
    x = x + sway
    hip, knee_swing = who.foot_y - 4 * unit, who.swing * 1.3 * unit * np.sin(who.phase)
    _legs(image, who, x, hip, unit, knee_swing)
    outer = who.jacket or who.top
    sleeves = outer if who.jacket or who.long_sleeves else None
    for side in (-1, 1):
        _arm(image, who, sleeves, (x + side * 0.95 * unit, top + 1.7 * unit), unit, side)
    torso = _shape((x - unit, top + 1.45 * unit), (x + unit, top + 1.45 * unit), (x + 0.85 * unit, hip + 0.35 * unit),
                   (x - 0.85 * unit, hip + 0.35 * unit))  # fmt: skip
    _cloth(image, torso, who.top, unit)
    if who.jacket:
        for side in (-1, 1):
            outer_x = x + side * unit
            flap = _shape((outer_x, top + 1.42 * unit), (x + side * 0.22 * unit, top + 1.42 * unit),
                          (x + side * 0.42 * unit, hip + 0.6 * unit), (outer_x, hip + 0.6 * unit))  # fmt: skip
            _cloth(image, flap, who.jacket, unit)
    _head(image, who, x, top, unit)


def _head(image: Image, who: Person, x: float, top: float, unit: float) -> None:
    cv2.line(image, _at(x, top + unit), _at(x, top + 1.5 * unit), who.skin, max(1, round(0.4 * unit)), cv2.LINE_AA)
    cv2.ellipse(image, _at(x, top + 0.5 * unit), _size(0.42 * unit, 0.52 * unit), 0, 0, 360, who.hair, -1, cv2.LINE_AA)
    cv2.ellipse(image, _at(x, top + 0.65 * unit), _size(0.33 * unit, 0.4 * unit), 0, 0, 360, who.skin, -1, cv2.LINE_AA)
    if who.hat:
        crown = _shape((x - 0.48 * unit, top + 0.35 * unit), (x - 0.38 * unit, top - 0.35 * unit),
                       (x + 0.38 * unit, top - 0.35 * unit), (x + 0.48 * unit, top + 0.35 * unit))  # fmt: skip
        brim = _shape((x - 0.8 * unit, top + 0.25 * unit), (x + 0.8 * unit, top + 0.25 * unit),
                      (x + 0.8 * unit, top + 0.42 * unit), (x - 0.8 * unit, top + 0.42 * unit))  # fmt: skip
        _cloth(image, crown, who.hat, unit)
        _cloth(image, brim, who.hat, unit)


def _legs(image: Image, who: Person, x: float, hip: float, unit: float, swing: float) -> None:
    legs = Garment(who.skin) if who.skirt else who.bottom
    for side in (-1, 1):
        start, foot = x + side * 0.42 * unit, x + side * (0.45 * unit + swing)
        leg = _shape((start - 0.4 * unit, hip), (start + 0.4 * unit, hip), (foot + 0.26 * unit, who.foot_y),
                     (foot - 0.26 * unit, who.foot_y))  # fmt: skip
        _cloth(image, leg, legs, unit)
        cv2.ellipse(image, _at(foot, who.foot_y), _size(0.34 * unit, 0.16 * unit), 0, 0, 360, (30, 30, 35), -1)
    if who.skirt:
        skirt = _shape((x - 0.8 * unit, hip - 0.1 * unit), (x + 0.8 * unit, hip - 0.1 * unit),
                       (x + 1.2 * unit, hip + 2 * unit), (x - 1.2 * unit, hip + 2 * unit))  # fmt: skip
        _cloth(image, skirt, who.bottom, unit)


def _arm(
    image: Image, who: Person, sleeve: Garment | None, shoulder: tuple[float, float], unit: float, side: int
) -> None:
    angle = side * 0.15 + who.swing * 0.5 * np.sin(who.phase + (0 if side > 0 else np.pi)) + side * who.arm_lift
    reach = 2.9 * unit
    hand = shoulder[0] + reach * np.sin(angle), shoulder[1] + reach * np.cos(angle)
    elbow = (shoulder[0] + hand[0]) / 2, (shoulder[1] + hand[1]) / 2
    thick = max(1, round(0.5 * unit))
    cv2.line(image, _at(*shoulder), _at(*hand), who.skin, max(1, round(0.36 * unit)), cv2.LINE_AA)
    covered = sleeve or who.top
    end = hand if sleeve else elbow
    end = shoulder[0] + 0.86 * (end[0] - shoulder[0]), shoulder[1] + 0.86 * (end[1] - shoulder[1])
    cv2.line(image, _at(*shoulder), _at(*end), covered.color, thick, cv2.LINE_AA)


def _cloth(image: Image, shape: npt.NDArray[np.int32], garment: Garment, unit: float) -> None:
    """Fills a shape with a garment: its pattern, and the soft shade of a body."""
    x0, y0 = np.maximum(shape.min(axis=0), 0)
    x1, y1 = np.minimum(shape.max(axis=0) + 1, image.shape[1::-1])
    if x1 <= x0 or y1 <= y0:
        return
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(mask, [shape - np.array([x0, y0], np.int32)], 255, cv2.LINE_AA)
    ys, xs = np.mgrid[0 : y1 - y0, 0 : x1 - x0].astype(np.float32)
    cloth = np.empty((y1 - y0, x1 - x0, 3), np.float32)
    cloth[:] = garment.color
    if garment.pattern != "plain":
        cloth[_pattern(garment.pattern, xs, ys, max(0.22 * unit, 2.0))] = garment.second
    across = (xs - xs.mean()) / max(xs.mean(), 1.0)
    cloth *= (1.04 - 0.22 * across * across + 0.04 * np.sin(ys / max(0.5 * unit, 1.0) + 3 * across))[:, :, None]
    share = mask[:, :, None].astype(np.float32) / 255
    patch = image[y0:y1, x0:x1]
    patch[:] = np.clip(patch * (1 - share) + cloth * share, 0, 255).astype(np.uint8)


def _pattern(kind: str, xs: npt.NDArray[np.float32], ys: npt.NDArray[np.float32], step: float) -> npt.NDArray[np.bool_]:
    across, down = (xs / step).astype(np.int32), (ys / step).astype(np.int32)
    if kind in ("stripes", "checks"):
        odd: npt.NDArray[np.bool_] = (down if kind == "stripes" else across + down) % 2 == 0
        return odd
    dots: npt.NDArray[np.bool_] = (xs % (2 * step) - step) ** 2 + (ys % (2 * step) - step) ** 2 < (0.55 * step) ** 2
    return dots


def dressed(person: Person, rng: np.random.Generator, part: str, *, same_luma: bool = False) -> Person:
    """The person with one part of the outfit changed: `top`, `bottom`, `jacket` (on, off or another), `hat`, `all`."""
    if part == "all":
        return dressed(dressed(person, rng, "top"), rng, "bottom")
    if part == "hat":
        return replace(person, hat=None if person.hat else Garment(other_color(rng, person.hair, 30)))
    if part == "jacket" and person.jacket and rng.random() < 0.3:
        return replace(person, jacket=None, top=Garment(other_color(rng, person.jacket.color)))
    old = person.top if part == "jacket" and not person.jacket else getattr(person, part)
    color = other_color(rng, old.color, same_luma=same_luma)
    new = Garment(color) if same_luma else Garment(color, str(rng.choice(_PATTERNS)), other_color(rng, color, 20))
    if part == "jacket":
        return replace(person, jacket=new)
    return replace(person, top=new) if part == "top" else replace(person, bottom=new)


def _at(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


def _size(w: float, h: float) -> tuple[int, int]:
    return max(1, round(w)), max(1, round(h))


def _shape(*points: tuple[float, float]) -> npt.NDArray[np.int32]:
    return np.array(points, np.float64).round().astype(np.int32)
