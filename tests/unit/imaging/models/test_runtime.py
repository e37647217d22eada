"""The LiteRT wrapper: tensors by name, calls one after the other."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from imaging.errors import ModelError
from imaging.models.manifest import MANIFEST
from imaging.models.runtime import LiteRtModel

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def model(models_dir: Path) -> LiteRtModel:
    return LiteRtModel.load("face_detection_short_range", models_dir)


@pytest.mark.parametrize("name", [entry.name for entry in MANIFEST if entry.name != "face_landmark_with_attention"])
def test_every_model_without_custom_ops_loads(models_dir: Path, name: str) -> None:
    assert LiteRtModel.load(name, models_dir).output_shapes


def test_run_gives_every_output_by_name(model: LiteRtModel) -> None:
    outputs = model.run_image(np.zeros((128, 128, 3), np.float32))
    assert {name: array.shape for name, array in outputs.items()} == model.output_shapes
    assert set(outputs) == {"regressors", "classificators"}


def test_run_is_deterministic_and_gives_copies(model: LiteRtModel) -> None:
    image = np.random.default_rng(0).random((128, 128, 3), np.float32)
    first = model.run_image(image)
    model.run_image(np.zeros_like(image))
    second = model.run_image(image)
    np.testing.assert_array_equal(first["classificators"], second["classificators"])


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param({}, id="none"),
        pytest.param({"other": np.zeros((1, 128, 128, 3), np.float32)}, id="unknown-name"),
        pytest.param({"input": np.zeros((1, 64, 64, 3), np.float32)}, id="other-shape"),
    ],
)
def test_run_refuses_wrong_inputs(model: LiteRtModel, inputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="expected"):
        model.run(inputs)


def test_run_from_many_threads_gives_each_its_own_answer(model: LiteRtModel) -> None:
    images = [np.full((128, 128, 3), value, np.float32) for value in np.linspace(-1, 1, 8)]
    expected = [model.run_image(image)["regressors"] for image in images]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda image: model.run_image(image)["regressors"], images * 3))
    for index, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, expected[index % len(images)])


def test_load_of_noise_is_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "noise.tflite").write_bytes(b"this is no model")
    with pytest.raises(ModelError, match="cannot load"):
        LiteRtModel(tmp_path / "noise.tflite")
