"""Mode `color`: fires on what people put on or take off, not on light, camera and motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data

from ingest_svc.streams.keyframes import KeyframeConfig, KeyframeMode, KeyframeReason, KeyframeSelector
from ingest_svc.streams.similarity_bands import evened
from ingest_svc.streams.similarity_color import Box
from ingest_svc.streams.similarity_light import fitted
from ingest_svc.streams.similarity_noise import noise_level
from ingest_svc.streams.similarity_places import entering

pytestmark = pytest.mark.unit

Image = npt.NDArray[np.uint8]

_S = 1_000_000_000
_FPS = 10
_LENGTH = 40
_CHANGE = 24
# A room of 1600x1200 with a picture on each wall; the camera sees 640x480 of it.
_ROOM = cv2.resize(np.ascontiguousarray(skimage.data.coffee()[:, :, ::-1]), (1600, 1200))
_RED, _BLUE = (60, 60, 216), (210, 86, 76)  # the same luma to a level


def _scene(x: int = 500, *, top: tuple[int, int, int] = _RED, hat: bool = False, scale: float = 1.0) -> Image:
    """The room with somebody in it: uint8 BGR, 640x480, no camera motion yet (that is a crop of the room)."""
    room = np.array(_ROOM, np.uint8)
    head, tall = round(26 * scale), round(230 * scale)
    y = 560
    cv2.rectangle(room, (x - head, y + tall // 2), (x + head, y + tall), (70, 60, 50), -1)
    cv2.rectangle(room, (x - 2 * head, y), (x + 2 * head, y + tall // 2), top, -1)
    cv2.circle(room, (x, y - head), head, (140, 170, 215), -1)
    if hat:
        cv2.rectangle(
            room,
            (x - round(1.6 * head), y - 2 * head),
            (x + round(1.6 * head), y - round(1.4 * head)),
            (40, 160, 40),
            -1,
        )
        cv2.rectangle(room, (x - head, y - 3 * head), (x + head, y - 2 * head), (40, 160, 40), -1)
    return room


def _levels(values: npt.NDArray[Any]) -> Image:
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def _taken(room: Image, rng: np.random.Generator, at: tuple[int, int] = (220, 380), noise: float = 3.0) -> Image:
    """What the camera makes of it: cells of 8x8 pixels, as a decoder gives them."""
    x, y = at
    shot = room[y : y + 480, x : x + 640].astype(np.float32) + rng.normal(0, noise, (480, 640, 1))
    return np.asarray(cv2.resize(_levels(shot), (80, 60), interpolation=cv2.INTER_AREA), np.uint8)


def _keys(frame: Callable[[int, np.random.Generator], Image], **config: float) -> list[tuple[int, KeyframeReason]]:
    selector = KeyframeSelector(KeyframeConfig(max_interval_s=600).changed(**config))
    rng, keys = np.random.default_rng(5), []
    for index in range(_LENGTH):
        time_ns = 7 * _S + index * _S // _FPS
        if selector.is_due(time_ns):
            judgement = selector.judge(frame(index, rng), time_ns)
            if judgement.is_key:
                keys.append((index, judgement.reason))
    return keys[1:]


def _after(before: Image, after: Image) -> Callable[[int, np.random.Generator], Image]:
    return lambda index, rng: _taken(after if index >= _CHANGE else before, rng)


def test_one_frame_in_an_eighth_of_a_second_is_looked_at_fewer_before_and_all_while_something_new_waits() -> None:
    selector = KeyframeSelector(KeyframeConfig(max_interval_s=600))
    rng, looked_at, key = np.random.default_rng(5), [], 0
    for index in range(_LENGTH):
        time_ns = 7 * _S + index * _S // _FPS
        if selector.is_due(time_ns):
            looked_at.append(index)
            frame = _taken(_scene(top=_BLUE if index >= _CHANGE else _RED), rng)
            if selector.judge(frame, time_ns).is_key:
                key = index
    found = _CHANGE + 1
    assert looked_at[: looked_at.index(found) + 1] == [0, 4, 8, *range(10, found, 2), found]
    assert key == found


def test_what_somebody_puts_on_within_the_minimum_interval_counts_as_soon_as_it_has_passed() -> None:
    keys = _keys(lambda index, rng: _taken(_scene(top=_BLUE if index >= 4 else _RED), rng))
    assert [index for index, _ in keys] == [_FPS]


def test_what_moves_through_the_minimum_interval_is_no_keyframe_when_it_has_passed() -> None:
    def frame(index: int, rng: np.random.Generator) -> Image:
        room = _scene()
        if 2 <= index <= 12:
            cv2.rectangle(room, (350 + 10 * index, 650), (420 + 10 * index, 760), (40, 160, 40), -1)
        return _taken(room, rng)

    assert _FPS not in [index for index, _ in _keys(frame)]


def test_what_comes_and_goes_within_the_minimum_interval_does_not_count() -> None:
    assert _keys(lambda index, rng: _taken(_scene(top=_BLUE if 2 <= index < 9 else _RED), rng)) == []


def test_a_frame_within_the_minimum_interval_is_looked_at_but_too_soon() -> None:
    selector, rng = KeyframeSelector(), np.random.default_rng(2)
    selector.judge(_taken(_scene(), rng), 0)
    assert not selector.is_due(_S // 5)
    assert selector.is_due(_S // 3)
    judgement = selector.judge(_taken(_scene(top=_BLUE), rng), _S // 3)
    assert (judgement.is_key, judgement.too_soon) == (False, True)


def test_a_forced_keyframe_is_due_whenever_the_last_look_was() -> None:
    selector = KeyframeSelector(KeyframeConfig(max_interval_s=1.1))
    for time_ns in (0, _S):
        assert selector.is_due(time_ns)
        selector.judge(_taken(_scene(), np.random.default_rng(5)), time_ns)
    assert not selector.is_due(_S + _S // 20)
    assert selector.is_due(_S + _S // 10)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_scene(), _scene(top=_BLUE)),
        (_scene(scale=0.45), _scene(scale=0.45, top=_BLUE)),
        (_scene(), _scene(hat=True)),
        (_scene(hat=True), _scene()),
        (_scene(), np.ascontiguousarray(_scene()[::-1, ::-1])),
        (_scene(), cv2.resize(np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1]), (1600, 1200))),
    ],
    ids=["red-blue-equal-luma", "small-person", "hat-on", "hat-off", "same-palette-cut", "cut"],
)
def test_a_change_is_found_once_and_soon(before: Image, after: Image) -> None:
    keys = _keys(_after(before, after))
    assert [reason for _, reason in keys] == [KeyframeReason.SCENE_CHANGE]
    assert _CHANGE <= keys[0][0] <= _CHANGE + _FPS // 2


def test_a_hat_at_the_edge_of_the_picture_is_found() -> None:
    before, after = _scene(), _scene(hat=True)
    keys = _keys(lambda index, rng: _taken(after if index >= _CHANGE else before, rng, (220, 508)))
    assert [_CHANGE <= index <= _CHANGE + _FPS // 2 for index, _ in keys] == [True]


def test_a_jacket_in_two_places_is_found_though_they_take_turns_in_showing_more() -> None:
    def frame(index: int, rng: np.random.Generator) -> Image:
        room = _scene()
        for side in (0, 1) if index >= _CHANGE else ():
            x, wide = 440 + 90 * side, 40 + 12 * ((index + side) % 2)
            cv2.rectangle(room, (x, 580), (x + wide, 660), _BLUE, -1)
        return _taken(room, rng)

    assert [_CHANGE <= index <= _CHANGE + _FPS // 2 for index, _ in _keys(frame)] == [True]


def _gray(bgr: Image) -> Image:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)


def test_luma_does_not_see_a_change_of_equal_luma() -> None:
    selector = KeyframeSelector(KeyframeConfig(mode=KeyframeMode.LUMA))
    shots = [_taken(_scene(top=top), np.random.default_rng(1)) for top in (_RED, _BLUE)]
    gray = [np.asarray(cv2.cvtColor(shot, cv2.COLOR_BGR2GRAY), np.uint8) for shot in shots]
    selector.judge(gray[0], 0)
    assert not selector.judge(gray[1], 2 * _S).is_key


def _flicker(index: int, rng: np.random.Generator) -> Image:
    return _levels(_taken(_scene(), rng) * (1 + 0.2 * np.sin(2.1 * index)))


def _ramp(index: int, rng: np.random.Generator) -> Image:
    return _levels(_taken(_scene(), rng) * (0.6 + 0.02 * index) + 0.4 * index)


def _white_balance(index: int, rng: np.random.Generator) -> Image:
    gains = np.array([1.25, 1.0, 0.8]) if index >= _CHANGE else np.ones(3)
    return _levels(_taken(_scene(), rng) * gains)


def _mains(index: int, rng: np.random.Generator, *, upright: bool = False) -> Image:
    lines = np.arange(80 if upright else 60) / 60
    gain = 1 + 0.25 * np.sin(2 * np.pi * (1.7 * lines + 0.37 * index))
    return _levels(_taken(_scene(), rng) * (gain[None, :, None] if upright else gain[:, None, None]))


_STILL: dict[str, Callable[[int, np.random.Generator], Image]] = {
    "still": lambda _, rng: _taken(_scene(), rng),
    "noise": lambda _, rng: _taken(_scene(), rng, noise=22.0),
    "flicker": _flicker,
    "mains": _mains,
    "mains-upright": lambda index, rng: _mains(index, rng, upright=True),
    "ramp": _ramp,
    "white-balance": _white_balance,
    "pan": lambda index, rng: _taken(_scene(), rng, (60 + 9 * index, 380)),
    "shake": lambda _, rng: _taken(_scene(), rng, (220 + int(rng.integers(-9, 10)), 380 + int(rng.integers(-9, 10)))),
    "walk": lambda index, rng: _taken(_scene(400 + 6 * index), rng),
    "sway": lambda index, rng: _taken(_scene(500 + round(6 * np.sin(index))), rng),
}


@pytest.mark.parametrize("frame", _STILL.values(), ids=_STILL)
def test_light_camera_and_motion_are_no_change(frame: Callable[[int, np.random.Generator], Image]) -> None:
    assert _keys(frame) == []


@pytest.mark.parametrize("nuisance", ["flicker", "pan", "walk"])
def test_a_change_is_found_under_a_nuisance(nuisance: str) -> None:
    def frame(index: int, rng: np.random.Generator) -> Image:
        top = _BLUE if index >= _CHANGE else _RED
        if nuisance == "flicker":
            return _levels(_taken(_scene(top=top), rng) * (1 + 0.2 * np.sin(2.1 * index)))
        if nuisance == "pan":
            return _taken(_scene(top=top), rng, (60 + 9 * index, 380))
        return _taken(_scene(400 + 4 * index, top=top), rng)

    keys = _keys(frame)
    assert [_CHANGE <= index <= _CHANGE + _FPS // 2 for index, _ in keys] == [True]


def test_a_frame_that_only_flashes_is_no_keyframe() -> None:
    def frame(index: int, rng: np.random.Generator) -> Image:
        return _taken(_scene(top=_BLUE if index == _CHANGE else _RED), rng)

    assert _keys(frame) == []


@pytest.mark.parametrize(
    "config", [{"changed_area_threshold": 0.5}, {"color_diff_threshold": 0.9}], ids=["area", "difference"]
)
def test_thresholds_decide_how_much_must_change(config: dict[str, float]) -> None:
    assert _keys(_after(_scene(), _scene(top=_BLUE)), **config) == []


def test_the_share_of_new_colours_is_measured() -> None:
    selector, rng = KeyframeSelector(), np.random.default_rng(2)
    selector.judge(_taken(_scene(), rng), 0)
    assert selector.judge(_taken(_scene(), rng), 2 * _S).changed_area == 0.0
    area = selector.judge(_taken(_scene(top=_BLUE), rng), 2 * _S + _S // 10).changed_area
    # The top is 104x115 of 640x480 pixels; cells at its edges are mixed.
    assert area == pytest.approx(104 * 115 / (640 * 480), rel=0.35)


def test_a_changed_mode_counts_from_the_next_frame_on_and_makes_no_keyframe() -> None:
    selector, rng = KeyframeSelector(), np.random.default_rng(2)
    color = _taken(_scene(), rng)
    gray = np.full((120, 160), 90, np.uint8)
    selector.judge(color, 0)
    selector.config = selector.config.changed(mode=1)
    assert not selector.sees_color
    assert not selector.judge(gray, 2 * _S).is_key
    assert selector.judge(255 - gray, 3 * _S).pixel_diff == pytest.approx(75 / 255, abs=0.01)
    selector.config = selector.config.changed(mode=2)
    assert not selector.judge(color, 5 * _S).is_key
    assert selector.judge(color, 13 * _S).reason is KeyframeReason.INTERVAL


def test_a_turned_phone_is_compared_with_itself() -> None:
    selector, rng = KeyframeSelector(), np.random.default_rng(2)
    picture = _taken(_scene(), rng)
    selector.judge(picture, 0)
    assert not selector.judge(np.ascontiguousarray(picture.swapaxes(0, 1)), 2 * _S).is_key


@pytest.mark.parametrize("kept", [{}, {"ssim_threshold": 0.5, "min_interval_s": 2.0}], ids=["empty", "some"])
def test_a_session_kept_before_there_were_modes_goes_on_by_luma(kept: dict[str, float]) -> None:
    restored = KeyframeConfig.restored(kept)
    assert restored.mode is KeyframeMode.LUMA
    assert {name: getattr(restored, name) for name in kept} == kept


def test_a_configuration_survives_being_kept() -> None:
    config = KeyframeConfig(changed_area_threshold=0.01)
    assert KeyframeConfig.restored({**asdict(config), "mode": int(config.mode)}) == config


@pytest.mark.parametrize(
    ("gain", "offset"), [((1.3, 1.3, 1.3), 0.0), ((0.7, 0.8, 1.1), 0.0), ((0.8, 0.8, 0.8), 25.0)],
    ids=["exposure", "white-balance", "haze"],
)  # fmt: skip
def test_light_is_found_in_spite_of_a_change(gain: tuple[float, ...], offset: float) -> None:
    rng = np.random.default_rng(4)
    reference, changed = _taken(_scene(), rng), _taken(_scene(top=_BLUE), rng)
    seen = np.clip(changed * np.array(gain) * 0.8 + offset, 0, 255).astype(np.uint8)
    light = fitted(seen, reference)
    assert light is not None
    # All but what was put on looks again as it did.
    worst = np.abs(light.applied(seen, reference).astype(int) - changed).max(axis=2)
    assert np.percentile(worst, 90) <= 6


def test_no_light_is_found_where_all_is_black() -> None:
    assert fitted(np.zeros((60, 80, 3), np.uint8), np.zeros((60, 80, 3), np.uint8)) is None


def test_bands_are_taken_back_in_spite_of_a_change() -> None:
    rng = np.random.default_rng(4)
    reference, changed = _taken(_scene(), rng), _taken(_scene(top=_BLUE), rng)
    banded = _levels(changed * (1 + 0.2 * np.sin(np.arange(60) / 6))[:, None, None])
    even = evened(banded, reference)
    assert even is not None
    worst = np.abs(even.astype(int) - changed).max(axis=2)
    assert np.percentile(worst, 90) <= 8
    assert np.percentile(np.abs(banded.astype(int) - changed).max(axis=2), 90) > 20


@pytest.mark.parametrize(
    ("seen", "reference"),
    [(_taken(_scene(), np.random.default_rng(4)),) * 2, (np.zeros((60, 80, 3), np.uint8),) * 2],
    ids=["equal", "black"],
)
def test_no_bands_are_found_where_there_are_none(seen: Image, reference: Image) -> None:
    assert evened(seen, reference) is None


@pytest.mark.parametrize("gain", [1.0, 1.25], ids=["same-light", "another-light"])
def test_noise_is_measured_whatever_the_light(gain: float) -> None:
    rng = np.random.default_rng(6)
    still = cv2.GaussianBlur(_taken(_scene(), rng, noise=0.0), (0, 0), 3).astype(np.float32) * 0.7
    before, now = (_levels(still * times + rng.normal(0, 5, still.shape)) for times in (1.0, gain))
    # The median of a normal difference is 0.6745 of its deviation, and a difference of two frames has both their noise.
    assert noise_level(now, before) == pytest.approx(0.6745 * 2**0.5 * 5, rel=0.15)


@pytest.mark.parametrize(
    ("box", "within_s", "expected"),
    [
        ((0, 10, 5, 20), 0.12, True), ((75, 10, 5, 20), 0.12, True), ((0, 10, 18, 20), 0.12, False),
        ((0, 10, 18, 20), 1.0, True), ((0, 10, 40, 20), 9.0, False), ((30, 10, 5, 20), 0.12, False),
    ],
    ids=["left", "right", "too-fast", "in-time", "wide", "middle"],
)  # fmt: skip
def test_who_enters_comes_from_the_side_and_no_faster_than_people_walk(
    box: Box, within_s: float, expected: bool
) -> None:
    assert entering(box, 80, within_s) is expected
