from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data

pytest.importorskip("torch", reason="comes with .[vision-hub]")

from imaging.decode import DecodeLimits, encode_jpeg
from tests.unit.vision_svc.garments.drawn import garment, mask_of
from tests.unit.vision_svc.hub.tiny import ATR, change_processor, change_weights, save_clip, save_segformer
from vision_svc.garments.analysis import AnalysisOptions, GarmentAnalysis
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.types import Bucket
from vision_svc.hub.clip import ClipEmbedder
from vision_svc.hub.segformer import LabelledPixels, SegFormerParser, garment_labels, garments_from
from vision_svc.hub.source import HubSource
from vision_svc.models.contract import Task
from vision_svc.models.latency import LatencyRecorder
from vision_svc.models.registry import ModelUnavailableError
from vision_svc.people.types import Box, ImageBgr, Person
from vision_svc.registration import make_registry
from vision_svc.settings import VisionSettings

pytestmark = [
    pytest.mark.unit,
    # transformers says that torchvision would be quicker; its Pillow processors are what we want.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module", params=["clip", "siglip"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp(request.param) / "tiny", siglip=request.param == "siglip")


@pytest.fixture(scope="module")
def embedder(folder: Path) -> ClipEmbedder:
    return ClipEmbedder(HubSource(str(folder)))


def view(seed: int) -> GarmentView:
    picture = garment(seed)
    return GarmentView(picture, mask_of(seed, picture))


def person(height: int, width: int) -> Person:
    mask = np.zeros((height, width), np.bool_)
    mask[10:-10, 10:-10] = True
    box = np.array([10, 10, width - 10, height - 10], np.float32)
    return Person(0.9, box, np.zeros((33, 3), np.float32), np.ones(33, np.float32), mask, mask.astype(np.float32))


def everywhere(image_bgr: ImageBgr, *, faces_xyxy: Sequence[Box]) -> list[Person]:
    assert not faces_xyxy
    return [person(*image_bgr.shape[:2])]


def nowhere(image_bgr: ImageBgr, *, faces_xyxy: Sequence[Box]) -> list[Person]:
    assert image_bgr.ndim == 3
    assert not faces_xyxy
    return []


def test_pictures_and_words_share_one_normalised_space(embedder: ClipEmbedder) -> None:
    vectors = embedder.infer([view(1), view(2), view(3)])
    text = embedder.embed_text("red dress").vector
    for vector in (*vectors, text):
        assert vector.shape == (embedder.spec.dimension,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(vectors[0], vectors[1])


def test_batches_change_no_vector(embedder: ClipEmbedder) -> None:
    assert embedder.infer([view(1), view(2)])[1] == pytest.approx(embedder.infer([view(2)])[0], abs=1e-5)


def test_the_background_is_removed(embedder: ClipEmbedder) -> None:
    one = view(4)
    other = np.where(one.mask[..., None], one.image_bgr, np.uint8(17))
    first, second = embedder.infer([one, GarmentView(other, one.mask)])
    assert first == pytest.approx(second, abs=1e-5)


# What published CLIP checkpoints say: one number brings the shorter side to size; some cut a rim off too.
PUBLISHED = {"do_center_crop": True, "crop_size": 32, "size": 32}
WITH_RIM = {"do_center_crop": True, "crop_size": {"height": 32, "width": 32}, "size": {"shortest_edge": 40}}
LEFT_AND_RIGHT, TOP_AND_BOTTOM = (300, 100), (100, 300)


@pytest.mark.parametrize("config", [PUBLISHED, WITH_RIM], ids=["published", "with a rim"])
@pytest.mark.parametrize("shape", [LEFT_AND_RIGHT, TOP_AND_BOTTOM], ids=["long", "wide"])
def test_a_garment_that_is_not_square_is_seen_whole(
    tmp_path: Path, config: dict[str, object], shape: tuple[int, int]
) -> None:
    folder = save_clip(tmp_path / "published")
    change_processor(folder, config)
    embedder = ClipEmbedder(HubSource(str(folder)))
    stripes = np.full((*shape, 3), (0, 255, 0), np.uint8)
    along = stripes if shape[0] > shape[1] else stripes.swapaxes(0, 1)
    along[:30], along[-30:] = (0, 0, 255), (255, 0, 0)  # BGR: red at one end, blue at the other
    pixels = embedder.pre_process([GarmentView(stripes, np.ones(shape, np.bool_))])[0].numpy()
    line = pixels[:, :, 16] if shape[0] > shape[1] else pixels[:, 16]
    assert pixels.shape == (3, 32, 32)
    reds, blues = (line[channel] - line[1] > 1 for channel in (0, 2))
    assert (int(reds.sum()), int(blues.sum())) == (3, 3)
    assert reds[0] or reds[1]


def test_a_text_that_is_cut_is_weak(embedder: ClipEmbedder) -> None:
    assert embedder.embed_text("red").weak_reason == ""
    found = embedder.embed_text("a very long wish " * 20)
    assert "the model reads 16" in found.weak_reason
    assert found.understanding.coverage < 1


def test_a_parser_is_no_embedder(tmp_path: Path) -> None:
    with pytest.raises((ValueError, OSError)):
        ClipEmbedder(HubSource(str(save_segformer(tmp_path / "seg"))))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises((ValueError, OSError)):
        ClipEmbedder(HubSource(str(tmp_path)))


def test_public_labels_become_our_categories() -> None:
    assert garment_labels(dict(enumerate(ATR))) == {
        1: "headwear", 4: "top", 5: "skirt", 6: "trousers", 7: "dress", 8: "belt", 9: "shoes", 10: "shoes", 16: "bag",
        17: "scarf",
    }  # fmt: skip


def test_pixels_become_garments_with_box_mask_and_score() -> None:
    labels = np.zeros((120, 80), np.int64)
    labels[20:60, 20:60] = 4
    labels[60:100, 25:55] = 6
    labels[100:108, 25:35], labels[100:108, 45:55] = 9, 10
    labels[0:5, 0:5] = 16  # a bag that is not on the person
    pixels = LabelledPixels(labels, np.full(labels.shape, 0.75, np.float32))
    found = garments_from(pixels, garment_labels(dict(enumerate(ATR))), person(120, 80))
    assert [(g.bucket, g.category, g.box_xyxy) for g in found] == [
        (Bucket.TOP, "top", (20, 20, 60, 60)),
        (Bucket.BOTTOM, "trousers", (25, 60, 55, 100)),
        (Bucket.SHOES, "shoes", (25, 100, 55, 108)),
    ]
    assert found[0].score == pytest.approx(0.75)
    assert found[0].mask.shape == (40, 40)
    assert len(found[2].outlines) == 2


def test_a_parser_reads_pictures_of_any_size_and_batches(tmp_path: Path) -> None:
    parser = SegFormerParser(HubSource(str(save_segformer(tmp_path / "seg"))), everywhere)
    pictures = [np.full((120, 80, 3), 90, np.uint8), np.full((64, 200, 3), 160, np.uint8)]
    found = parser.infer(pictures)
    assert [one.labels.shape for one in found] == [(120, 80), (64, 200)]
    assert all(0 < one.certainty.min() <= one.certainty.max() <= 1 for one in found)
    parsed = parser.parse(pictures[0])
    assert (parsed.width_px, parsed.height_px) == (80, 120)
    assert len(parsed.persons) == 1


def test_where_nobody_is_nothing_is_parsed(tmp_path: Path) -> None:
    parser = SegFormerParser(HubSource(str(save_segformer(tmp_path / "seg"))), nowhere)
    parsed = parser.parse(np.full((90, 90, 3), 90, np.uint8))
    assert (parsed.persons, parsed.garments) == ((), ())


async def test_faces_lead_to_people_in_batches_too(tmp_path: Path, models_dir: Path) -> None:
    """Four callers at once; in one batch each picture keeps its own faces."""
    settings = VisionSettings(
        models_dir=models_dir, garment_parser="hub", garment_parser_hub=str(save_segformer(tmp_path / "seg")),
    )  # fmt: skip
    registry = make_registry(settings, LatencyRecorder())
    registry.load_selected()
    pixels = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    pixels[15:208, 136:315] = 128  # without a face the pose detector overlooks her
    photo, face = encode_jpeg(pixels), (171 / 512, 65 / 512, 279 / 512, 172 / 512)
    batches: list[int] = []

    async def run(fn: Callable[..., Any], /, *args: Any) -> Any:
        batches.extend(len(one) for one in args if isinstance(one, list))
        return await asyncio.to_thread(fn, *args)

    analysis = GarmentAnalysis(registry, run, limits=DecodeLimits(), max_side_px=512)
    blind, seeing = AnalysisOptions(embeddings=False), AnalysisOptions(embeddings=False, faces=(face,))
    seen = await asyncio.gather(*(analysis.analyze(photo, options) for options in (blind, seeing, seeing, blind)))
    assert [len(one.parsed.persons) for one in seen] == [0, 1, 1, 0]
    assert sum(batches) == 4
    assert max(batches) > 1


def test_a_parser_without_garment_labels_is_refused(tmp_path: Path) -> None:
    folder = save_segformer(tmp_path / "roads", ["road", "sky"])
    with pytest.raises(ValueError, match="none of its labels"):
        SegFormerParser(HubSource(str(folder)), nowhere)


def test_settings_switch_hub_models_on(folder: Path, tmp_path: Path, models_dir: Path) -> None:
    settings = VisionSettings(
        models_dir=models_dir, garment_embedder="hub", garment_embedder_hub=str(folder), garment_parser="hub",
        garment_parser_hub=str(save_segformer(tmp_path / "seg")),
    )  # fmt: skip
    registry = make_registry(settings, LatencyRecorder())
    registry.load_selected()
    for task in (Task.GARMENT_PARSE, Task.GARMENT_EMBED, Task.TEXT_EMBED):
        assert re.fullmatch("local/(tiny|seg)@[0-9a-f]{12}", registry.use(task).model)
        assert registry.use(task).degraded_reason == ""
    specs = {info.spec.task: info.spec for info in registry.infos() if info.selected}
    pictures, words = specs[Task.GARMENT_EMBED], specs[Task.TEXT_EMBED]
    assert (pictures.dimension, pictures.model, pictures.license) == (words.dimension, words.model, "mit")


def test_a_hub_model_that_cannot_be_loaded_falls_back_whole(tmp_path: Path, models_dir: Path) -> None:
    settings = VisionSettings(models_dir=models_dir, garment_embedder="hub", garment_embedder_hub=str(tmp_path))
    registry = make_registry(settings, LatencyRecorder())
    registry.load_selected()
    for task in (Task.GARMENT_EMBED, Task.TEXT_EMBED):
        assert registry.use(task).model == "fashion/3"
        assert "stands in for local/" in registry.use(task).degraded_reason


def broken(tensors: Any) -> Any:
    raise RuntimeError(f"no kernel image for {type(tensors).__name__}")


@pytest.mark.parametrize("step", ["forward", "embed_text"], ids=["pictures", "words"])
def test_a_hub_model_that_loads_and_cannot_run_falls_back_whole(
    folder: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(ClipEmbedder, step, lambda _, tensors: broken(tensors))
    settings = VisionSettings(models_dir=models_dir, garment_embedder="hub", garment_embedder_hub=str(folder))
    registry = make_registry(settings, LatencyRecorder())
    registry.load_selected()
    for task in (Task.GARMENT_EMBED, Task.TEXT_EMBED):
        assert registry.use(task).model == "fashion/3"
    assert "no kernel image" in registry.use(Task.GARMENT_EMBED).degraded_reason


def test_without_a_stand_in_a_hub_model_that_cannot_run_is_refused(
    folder: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClipEmbedder, "forward", lambda _, tensors: broken(tensors))
    settings = VisionSettings(
        models_dir=models_dir, garment_embedder="hub", garment_embedder_hub=str(folder), hub_fallback=False
    )
    with pytest.raises(ModelUnavailableError, match="no kernel image"):
        make_registry(settings, LatencyRecorder()).load_selected()


def test_hub_models_with_numbers_that_are_none_fall_back(tmp_path: Path, models_dir: Path) -> None:
    clip, seg = save_clip(tmp_path / "clip"), save_segformer(tmp_path / "seg")
    change_weights(clip, lambda name, values: values * float("nan") if name == "visual_projection.weight" else values)
    change_weights(seg, lambda name, values: values * float("nan") if "classifier" in name else values)
    settings = VisionSettings(
        models_dir=models_dir, garment_embedder="hub", garment_embedder_hub=str(clip), garment_parser="hub",
        garment_parser_hub=str(seg),
    )  # fmt: skip
    registry = make_registry(settings, LatencyRecorder())
    registry.load_selected()
    assert registry.use(Task.GARMENT_EMBED).model == "fashion/3"
    assert registry.use(Task.GARMENT_PARSE).model == "pose-unet/1"
    for task in (Task.GARMENT_EMBED, Task.GARMENT_PARSE):
        assert "expected finite numbers" in registry.use(task).degraded_reason


def test_models_stored_in_half_precision_answer_on_a_cpu(folder: Path, tmp_path: Path) -> None:
    """As nearly all published checkpoints are; rounding the weights moves an answer a little."""
    seg, half = save_segformer(tmp_path / "seg"), save_segformer(tmp_path / "half")
    change_weights(half, lambda _, values: values.half())
    picture = garment(1)
    one, other = (SegFormerParser(HubSource(str(place)), everywhere) for place in (seg, half))
    assert one.infer([picture])[0].certainty == pytest.approx(other.infer([picture])[0].certainty, abs=0.01)
    assert len(other.parse(picture).persons) == 1
    short = tmp_path / "short"
    shutil.copytree(folder, short)
    change_weights(short, lambda _, values: values.half())
    full, rounded = (ClipEmbedder(HubSource(str(place))).infer([view(1)])[0] for place in (folder, short))
    assert np.dot(full, rounded) == pytest.approx(1, abs=1e-3)


def test_the_default_needs_no_torch(models_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from vision_svc.settings import VisionSettings;"
        "from vision_svc.registration import make_registry; from vision_svc.models.latency import LatencyRecorder;"
        f"make_registry(VisionSettings(models_dir=Path({str(models_dir)!r})), LatencyRecorder()).load_selected();"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[4], check=False).returncode == 0
