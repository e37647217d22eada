"""The trained parser as it is shipped, on photographs that nobody trained on."""

import asyncio
import hashlib
from pathlib import Path
from typing import Literal, Never

import cv2
import numpy as np
import pytest
import skimage.data

from imaging.decode import DecodeLimits, encode_jpeg
from tests.support.portraits import frame
from vision_svc.garments import parse_trained
from vision_svc.garments.analysis import AnalysisOptions, GarmentAnalysis
from vision_svc.garments.parse import garments_of
from vision_svc.garments.parse_labels import LABELS, PRESENCE
from vision_svc.garments.parse_net import MAP_PX, WEIGHTS_FILE, ParseNet
from vision_svc.garments.parse_trained import MODEL_ID, TrainedParser
from vision_svc.garments.types import Bucket, ParsedImage
from vision_svc.models.contract import Task
from vision_svc.models.latency import LatencyRecorder
from vision_svc.people.types import BoolMask, ImageBgr
from vision_svc.registration import make_registry
from vision_svc.settings import VisionSettings

pytestmark = pytest.mark.unit
UPPER = {Bucket.TOP, Bucket.OUTERWEAR, Bucket.DRESS}


@pytest.fixture(scope="module")
def parser(models_dir: Path) -> TrainedParser:
    return TrainedParser.load(models_dir)


def astronaut() -> ImageBgr:
    return np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])


def orange_suit(height: int, width: int) -> BoolMask:
    """The suit of the astronaut by its colour."""
    hsv = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2HSV)
    orange = (hsv[:, :, 0] < 14) & (hsv[:, :, 1] > 170) & (np.arange(512)[:, np.newaxis] > 200)
    orange[:, 460:] = False  # the shuttle's tank behind
    suit: BoolMask = cv2.resize(orange.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    return suit


def covered(parsed: ParsedImage) -> float:
    """The share of the suit that is found as something worn on the upper body."""
    suit = orange_suit(parsed.height_px, parsed.width_px)
    found = np.zeros_like(suit)
    for garment in parsed.garments:
        if garment.bucket in UPPER:
            found |= garment.full_mask(parsed.height_px, parsed.width_px)
    return float((found & suit).sum() / suit.sum())


def test_parse_finds_the_suit_of_the_astronaut(parser: TrainedParser) -> None:
    parsed = parser.parse(astronaut())
    assert (parsed.width_px, parsed.height_px) == (512, 512)
    assert len(parsed.persons) == 1
    assert covered(parsed) > 0.75
    assert not {garment.bucket for garment in parsed.garments} & {Bucket.SHOES}


def test_parse_without_a_face_finds_the_suit_all_the_same(parser: TrainedParser) -> None:
    picture = astronaut()
    picture[60:215, 145:295] = picture[60:215, 145:295].mean(axis=(0, 1)).astype(np.uint8)
    parsed = parser.parse(picture, [(170.0, 80.0, 270.0, 190.0)])
    assert len(parsed.persons) == 1
    assert covered(parsed) > 0.7


def test_a_torso_that_would_be_bare_is_read_by_geometry(parser: TrainedParser, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = np.zeros((1, len(LABELS), *MAP_PX), np.float32)
    bare[:, LABELS.index("skin")] = 1
    monkeypatch.setattr(ParseNet, "run", lambda *_: (bare, np.full((1, len(PRESENCE)), 0.1, np.float32)))
    parsed = parser.parse(astronaut())
    expected = garments_of(astronaut(), parsed.persons[0])
    assert expected
    assert [(one.bucket, one.box_xyxy) for one in parsed.garments] == [(one.bucket, one.box_xyxy) for one in expected]
    (stand_in,) = parsed.stand_ins
    assert (stand_in.task, stand_in.model) == (Task.GARMENT_PARSE, "pose-geometry/1")
    assert MODEL_ID in stand_in.degraded_reason


async def test_an_answer_names_the_model_that_stood_in(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = make_registry(VisionSettings(models_dir=models_dir), LatencyRecorder())
    registry.load_selected()
    analysis = GarmentAnalysis(registry, asyncio.to_thread, limits=DecodeLimits(), max_side_px=512)
    options = AnalysisOptions(attributes=False, embeddings=False)
    seen = await analysis.analyze(encode_jpeg(astronaut()), options)
    assert [use.model for use in seen.models if use.degraded_reason] == []
    monkeypatch.setattr(parse_trained, "clothed_share", lambda *_: 0.0)
    seen = await analysis.analyze(encode_jpeg(astronaut()), options)
    assert seen.garments
    assert [use.model for use in seen.models if use.degraded_reason] == ["pose-geometry/1"]


def test_parse_of_a_larger_picture_gives_the_same_in_its_pixels(parser: TrainedParser) -> None:
    large = np.asarray(cv2.resize(astronaut(), (900, 900), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert covered(parser.parse(large)) > 0.75


def test_of_two_people_the_larger_is_dressed(parser: TrainedParser) -> None:
    parsed = parser.parse(frame((0.9, 0, 100), (0.7, 590, 700)))
    assert len(parsed.persons) == 2
    assert parsed.garments
    for garment in parsed.garments:
        mask = garment.full_mask(parsed.height_px, parsed.width_px)
        shared = [(mask & person.mask).sum() / mask.sum() for person in parsed.persons]
        assert shared[0] > 0.5 > shared[1]


def test_parse_twice_gives_the_same(parser: TrainedParser) -> None:
    first, second = (parser.parse(astronaut()).garments for _ in range(2))
    assert [(g.bucket, g.category, g.box_xyxy, g.score) for g in first] == [
        (g.bucket, g.category, g.box_xyxy, g.score) for g in second
    ]


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "brick", "coins", "page"])
def test_parse_invents_nobody(parser: TrainedParser, name: str) -> None:
    picture = getattr(skimage.data, name)()
    picture = np.dstack([picture] * 3) if picture.ndim == 2 else picture
    parsed = parser.parse(picture[:, :, ::-1].copy())
    assert parsed.persons == ()
    assert parsed.garments == ()


@pytest.mark.parametrize("size", [(16, 16), (20, 600), (600, 20)])
def test_parse_odd_sizes(parser: TrainedParser, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert parser.parse(noise).garments == ()


def test_the_parser_says_who_it_is(parser: TrainedParser) -> None:
    assert parser.model_id == parser.spec.model == MODEL_ID == "pose-unet/1"
    assert parser.spec.sha256 == hashlib.sha256(WEIGHTS_FILE.read_bytes()).hexdigest()
    assert parser.spec.license == "Apache-2.0"


def test_weights_are_small() -> None:
    assert WEIGHTS_FILE.stat().st_size <= 8_000_000


def test_missing_weights_are_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        ParseNet.load(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize(
    ("setting", "model"), [("trained", "pose-unet/1"), ("geometry", "pose-geometry/1")], ids=["trained", "geometry"]
)
def test_the_setting_chooses_the_parser(setting: Literal["trained", "geometry"], model: str, models_dir: Path) -> None:
    registry = make_registry(VisionSettings(models_dir=models_dir, garment_parser=setting), LatencyRecorder())
    registry.load_selected()
    use = registry.use(Task.GARMENT_PARSE)
    assert (use.model, use.degraded_reason) == (model, "")


def test_geometry_stands_in_for_weights_that_are_not_there(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Never:
        raise OSError("no weights")

    monkeypatch.setattr(ParseNet, "load", missing)
    registry = make_registry(VisionSettings(models_dir=models_dir), LatencyRecorder())
    registry.load_selected()
    use = registry.use(Task.GARMENT_PARSE)
    assert use.model == "pose-geometry/1"
    assert use.degraded_reason == "stands in for pose-unet/1: no weights"
