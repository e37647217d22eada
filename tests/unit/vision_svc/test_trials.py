"""What loads and is not fit to serve is told before anybody asks it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from vision_svc import trials
from vision_svc.garments.fashion import WEIGHTS_FILE, FashionEmbedder
from vision_svc.garments.parse_net import WEIGHTS_FILE as PARSER_WEIGHTS
from vision_svc.garments.parse_net import ParseNet
from vision_svc.garments.parse_trained import TrainedParser
from vision_svc.garments.types import ParsedImage
from vision_svc.models.onnx_net import load_weights
from vision_svc.people.finder import PersonFinder
from vision_svc.people.types import ImageBgr, Person

pytestmark = pytest.mark.unit


class Nobody:
    """Finds nobody, so that a parser's network is not reached by any picture."""

    def find(self, image_bgr: ImageBgr, *_: object, **__: object) -> list[Person]:
        assert image_bgr.ndim == 3
        return []


def parser(net: ParseNet) -> TrainedParser:
    return TrainedParser(cast("PersonFinder", Nobody()), net)


def test_our_own_models_pass() -> None:
    trials.try_embedder(FashionEmbedder())
    trials.try_trained_parser(parser(ParseNet.load()))


@pytest.mark.parametrize("part", ["kinds.weight", "stem1.weight"])
def test_an_encoder_that_answers_with_nan_is_refused(tmp_path: Path, part: str) -> None:
    arrays = load_file(WEIGHTS_FILE)
    arrays[part] = arrays[part] * np.float16(np.nan)
    save_file(arrays, tmp_path / "nan.safetensors")
    embedder = FashionEmbedder(tmp_path / "nan.safetensors")
    with pytest.raises(ValueError, match="expected finite numbers"):
        trials.try_embedder(embedder)


@pytest.mark.parametrize("part", ["labels.weight", "context.presence.weight"])
def test_a_parser_that_answers_with_nan_is_refused_though_nobody_is_seen(part: str) -> None:
    arrays = load_weights(PARSER_WEIGHTS)
    arrays[part] = arrays[part] * np.float32(np.nan)
    broken = parser(ParseNet(arrays))
    assert broken.parse(np.full((64, 64, 3), 200, np.uint8)) == ParsedImage(64, 64, (), ())
    with pytest.raises(ValueError, match="expected finite numbers"):
        trials.try_trained_parser(broken)


@pytest.mark.parametrize(
    ("vector", "said"),
    [
        pytest.param([0.6, np.inf], "1 of 2", id="infinite"),
        pytest.param([0.0, 0.0], "length 1, got 0", id="nothing"),
        pytest.param([3.0, 4.0], "length 1, got 5", id="not normalised"),
    ],
)
def test_vectors_have_length_1(vector: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        trials.check_vector("words", np.array(vector, np.float32))
    trials.check_vector("words", np.array([0.6, 0.8], np.float32))
