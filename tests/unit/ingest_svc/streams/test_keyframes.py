"""The keyframe rule: the very decisions of the published one, at a fraction of its cost."""

from __future__ import annotations

import math

import numpy as np
import pytest
import skimage.data

from imaging.decode import decode_gray_thumbnail
from ingest_svc.streams.keyframes import (
    KeyframeConfig,
    KeyframeConfigError,
    KeyframeReason,
    KeyframeSelector,
)
from ingest_svc.streams.similarity import SimilarityReference
from tests.unit.ingest_svc.streams.clips import PublishedSelector, clip, reference_ssim

pytestmark = pytest.mark.unit

_S = 1_000_000_000
_RNG = np.random.default_rng(7)
_NOISE = _RNG.integers(0, 256, (120, 160), dtype=np.uint8)
_PHOTO = np.ascontiguousarray(skimage.data.camera()[100:220, 150:310])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (_PHOTO, _PHOTO),
        (_PHOTO, np.roll(_PHOTO, 3, axis=1)),
        (_PHOTO, np.clip(_PHOTO * 0.7, 0, 255).astype(np.uint8)),
        (_PHOTO, 255 - _PHOTO),
        (_PHOTO, _NOISE),
        (np.zeros((120, 160), np.uint8), np.full((120, 160), 255, np.uint8)),
        (np.full((120, 160), 255, np.uint8), np.full((120, 160), 254, np.uint8)),
    ],
    ids=["equal", "moved", "darker", "inverted", "noise", "black-white", "flat-bright"],
)
def test_ssim_and_difference_are_those_of_the_reference_implementation(first: np.ndarray, second: np.ndarray) -> None:
    reference = SimilarityReference(first)
    assert reference.ssim(second) == pytest.approx(reference_ssim(first, second), abs=5e-5)
    expected = np.mean(np.abs(first.astype(float) - second.astype(float))) / 255
    assert reference.mean_abs_diff(second) == pytest.approx(expected, abs=1e-12)


def test_ssim_refuses_pictures_smaller_than_its_window() -> None:
    with pytest.raises(ValueError, match="11 pixels"):
        SimilarityReference(np.zeros((10, 160), np.uint8))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("min_interval_s", [1.0, 0.0], ids=["published", "every-frame"])
def test_decisions_are_those_of_the_published_rule_on_generated_clips(seed: int, min_interval_s: float) -> None:
    published = PublishedSelector(min_interval_s=min_interval_s, max_interval_s=3.0)
    ours = KeyframeSelector(KeyframeConfig(min_interval_s=min_interval_s, max_interval_s=3.0))
    decoded = 0
    decisions = []
    for jpeg, time_ns in clip(seed):
        expected = published.is_key(jpeg, time_ns / _S)
        due = ours.is_due(time_ns)
        decoded += due
        got = due and ours.judge(decode_gray_thumbnail(jpeg), time_ns).is_key
        decisions.append((expected, got))
    assert [got for _, got in decisions] == [expected for expected, _ in decisions]
    assert sum(expected for expected, _ in decisions) >= 2
    assert published.similarities  # the clip asked the last question of the rule at least once
    if min_interval_s:
        assert decoded < len(decisions)  # frames inside the interval were never decoded


def test_the_first_frame_is_a_keyframe_and_says_so() -> None:
    assert KeyframeSelector().judge(_PHOTO, 0).reason is KeyframeReason.FIRST


def test_a_still_scene_is_forced_after_the_maximum_interval_only() -> None:
    selector = KeyframeSelector()
    selector.judge(_PHOTO, 0)
    assert not selector.is_due(_S - 1)
    assert not selector.judge(_PHOTO, 10 * _S - 1).is_key
    assert selector.judge(_PHOTO, 10 * _S).reason is KeyframeReason.INTERVAL


def test_a_cut_within_the_minimum_interval_is_found_after_it() -> None:
    selector = KeyframeSelector()
    selector.judge(_PHOTO, 0)
    assert not selector.is_due(_S // 2)
    assert selector.judge(_NOISE, _S).reason is KeyframeReason.SCENE_CHANGE


def test_the_last_keyframe_is_the_reference_not_the_last_frame() -> None:
    selector = KeyframeSelector()
    selector.judge(_PHOTO, 0)
    steps = [np.clip(_PHOTO.astype(int) + 4 * i, 0, 255).astype(np.uint8) for i in range(1, 12)]
    diffs = [selector.judge(step, (i + 5) * _S // 4).pixel_diff for i, step in enumerate(steps)]
    assert diffs[0] is not None
    assert diffs == sorted(diffs, key=lambda diff: diff or 0.0)  # it drifts away from one reference


def test_thresholds_can_be_changed_while_it_runs() -> None:
    selector = KeyframeSelector()
    selector.judge(_PHOTO, 0)
    moved = np.roll(_PHOTO, 2, axis=1)
    assert not selector.judge(moved, 2 * _S).is_key
    selector.config = selector.config.changed(pixel_diff_threshold=0.0, ssim_threshold=1.0, min_interval_s=None)
    assert selector.judge(moved, 3 * _S).reason is KeyframeReason.SCENE_CHANGE


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"ssim_threshold": 1.01}, "ssim_threshold"),
        ({"ssim_threshold": math.nan}, "ssim_threshold"),
        ({"pixel_diff_threshold": -0.1}, "pixel_diff_threshold"),
        ({"min_interval_s": 61.0}, "min_interval_s"),
        ({"max_interval_s": 0.05}, "max_interval_s"),
        ({"max_interval_s": math.inf}, "max_interval_s"),
        ({"min_interval_s": 10.0}, "max_interval_s"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused_with_its_field(values: dict[str, float], field: str) -> None:
    with pytest.raises(KeyframeConfigError) as caught:
        KeyframeConfig().changed(**values)
    assert caught.value.field == field
