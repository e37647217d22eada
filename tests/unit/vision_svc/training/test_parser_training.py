"""Training the garment parser, on a few drawn photos: samples, steps, going on, and the way to what is shipped."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from vision_svc.garments.parse_input import CHANNELS, HEIGHT_PX, WIDTH_PX
from vision_svc.garments.parse_labels import LABELS, PRESENCE
from vision_svc.garments.parse_net import ParseNet
from vision_svc.models.onnx_net import load_weights
from vision_svc.people.types import Joint
from vision_svc.training import parser, parser_cache, parser_export
from vision_svc.training.parser_augment import Sampler, draw_weights
from vision_svc.training.parser_cache import CACHE_PX, Photos
from vision_svc.training.parser_loss import Overlaps, loss
from vision_svc.training.parser_net import ParserNet
from vision_svc.training.parser_truth import Truth, label_table, translate

pytestmark = pytest.mark.unit

NAMES = ["null", "skin", "blouse", "coat", "jeans", "skirt", "dress", "shoes", "boots", "bag", "hat", "belt", "watch"]
GROUPS = {
    "background": ["null"], "skin": ["skin"], "hair": [], "upper": ["blouse"], "outer": ["coat"],
    "lower": ["jeans", "skirt"], "full": ["dress"], "legwear": [], "shoes": ["shoes", "boots"], "bag": ["bag"],
    "head": ["hat"], "eyewear": [], "accessory": ["belt", "watch"],
}  # fmt: skip
# Each thing is drawn in a colour of its own, BGR.
COLORS = np.random.default_rng(3).integers(40, 255, (len(NAMES), 3)).astype(np.uint8)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other are slow on a machine that is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ccp") / "ccp_labels.json"
    path.write_text(json.dumps({"index_to_label": NAMES, "suggested_groups": GROUPS}))
    return path


def drawn(dress: bool, bag: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    labels = np.zeros(CACHE_PX, np.uint8)
    labels[80:120, 130:158] = NAMES.index("skin")
    if dress:
        labels[120:270, 110:178] = NAMES.index("dress")
    else:
        labels[120:200, 110:178] = NAMES.index("blouse")
        labels[200:330, 115:173] = NAMES.index("jeans")
    labels[330:345, 115:135] = labels[330:345, 153:173] = NAMES.index("shoes")
    if bag:
        labels[190:240, 178:205] = NAMES.index("bag")
    return labels


def drawn_photos(count: int = 4) -> Photos:
    labels = np.stack([drawn(index % 2 == 0, index % 4 < 2) for index in range(count)])
    joints = np.ones((count, parser_cache.VIEWS, 33, 3), np.float32)
    joints[..., :2] = 144, 100
    places = {"SHOULDER": (22, 125), "HIP": (15, 205), "KNEE": (14, 265), "ANKLE": (13, 325), "HEEL": (13, 335)}
    for name, (out, row) in places.items():
        joints[:, :, Joint[f"LEFT_{name}"], :2] = 144 + out, row
        joints[:, :, Joint[f"RIGHT_{name}"], :2] = 144 - out, row
    both = np.stack([labels, labels], axis=1)
    return Photos(
        tuple(f"p{index}.jpg" for index in range(count)),
        COLORS[both],
        labels,
        (both > 0).astype(np.uint8) * 255,
        joints,
    )


@pytest.fixture(scope="module")
def photos() -> Photos:
    return drawn_photos()


@pytest.fixture(scope="module")
def truth(photos: Photos, description: Path) -> Truth:
    return translate(photos.labels, description)


def test_labels_of_the_data_set_become_ours(description: Path) -> None:
    table, names = label_table(description)
    ours = {name: LABELS[table[number]] for number, name in enumerate(names)}
    assert ours == {
        "null": "background", "skin": "skin", "blouse": "top", "coat": "outerwear", "jeans": "trousers",
        "skirt": "skirt", "dress": "dress", "shoes": "shoes", "boots": "shoes", "bag": "bag", "hat": "headwear",
        "belt": "belt", "watch": "accessory",
    }  # fmt: skip


def test_presence_is_what_is_there_and_vague_names_leave_open(truth: Truth) -> None:
    there = [{name for name, value in zip(PRESENCE, row, strict=True) if value} for row in truth.presence]
    assert there[0] == {"dress", "bag"}
    assert there[3] == {"top", "trousers", "blouse", "jeans"}
    unsure = {name for name, value in zip(PRESENCE, truth.known[0], strict=True) if not value}
    assert unsure == {"boots", "sandals", "heels"}


def test_held_out_photos_are_fixed_by_their_names() -> None:
    photos = drawn_photos(1)
    names = tuple(f"ccp_{index:04d}.jpg" for index in range(1000))
    held = Photos(names, photos.bgr, photos.labels, photos.masks, photos.joints).held_out
    assert 60 < held.sum() < 110
    again = Photos(names[500:], photos.bgr, photos.labels, photos.masks, photos.joints).held_out
    np.testing.assert_array_equal(held[500:], again)


def test_plain_sample_is_the_person_s_frame(photos: Photos, truth: Truth) -> None:
    sample = Sampler(photos, truth, np.arange(4)).plain(0, 0, (HEIGHT_PX, WIDTH_PX))
    assert sample.planes.shape == (CHANNELS, HEIGHT_PX, WIDTH_PX)
    top, left = (CACHE_PX[0] - HEIGHT_PX) // 2, (CACHE_PX[1] - WIDTH_PX) // 2
    expected = truth.labels[0, top : top + HEIGHT_PX, left : left + WIDTH_PX][::2, ::2]
    assert (sample.labels == expected).mean() > 0.995


@pytest.mark.parametrize("seed", range(6))
def test_changed_sample_moves_picture_labels_mask_and_pose_together(photos: Photos, truth: Truth, seed: int) -> None:
    sampler = Sampler(photos, truth, np.array([], np.intp))  # nobody to paste from
    sample = sampler.changed(1, (HEIGHT_PX, WIDTH_PX), np.random.default_rng(seed))
    worn = sample.labels != LABELS.index("background")
    mask = sample.planes[3, ::2, ::2] > 0.5
    if mask.any():  # it is left out now and then
        assert (mask & worn).sum() / (mask | worn).sum() > 0.93
    torso = sample.planes[7, ::2, ::2] > 0
    upper = sample.labels == LABELS.index("top")
    assert (torso & upper).sum() > 0.6 * torso.sum()


def test_pasted_bag_is_labelled_and_present(photos: Photos, truth: Truth) -> None:
    sampler = Sampler(photos, truth, np.array([0, 1]))  # both carry a bag
    bag, found = LABELS.index("bag"), 0
    for seed in range(12):
        sample = sampler.changed(3, (HEIGHT_PX, WIDTH_PX), np.random.default_rng(seed))
        pasted = bool((sample.labels == bag).any())
        assert sample.presence[PRESENCE.index("bag")] >= pasted
        found += pasted
    assert 0 < found < 12
    assert truth.presence[3, PRESENCE.index("bag")] == 0  # the truth itself stays


def test_rare_things_are_drawn_more_often(truth: Truth) -> None:
    weights = draw_weights(truth)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] > weights[3]


def test_overlaps_are_intersection_over_union() -> None:
    top, dress, bag = (LABELS.index(name) for name in ("top", "dress", "bag"))
    overlaps = Overlaps()
    overlaps.add(np.array([[top, top, dress, bag]]), np.array([[top, dress, dress, 0]], np.uint8))
    figures = overlaps.result()
    assert figures["upper"] == pytest.approx(1 / 2)
    assert figures["dress"] == pytest.approx(1 / 2)
    assert figures["bag"] == 0


def test_loss_is_smaller_for_what_is_right() -> None:
    labels = torch.zeros((1, 4, 4), dtype=torch.long)
    labels[:, 2:] = LABELS.index("dress")
    right = torch.nn.functional.one_hot(labels, len(LABELS)).permute(0, 3, 1, 2) * 8.0
    wanted, known = torch.zeros(1, len(PRESENCE)), torch.ones(1, len(PRESENCE))
    said = torch.full((1, len(PRESENCE)), -6.0)
    good = loss(right, said, labels, wanted, known)
    assert good < 0.05
    assert loss(right.flip(2), said, labels, wanted, known) > good + 1
    assert loss(right, -said, labels, wanted, known) > good + 1
    assert float(loss(right, -said, labels, wanted, 0 * known)) == pytest.approx(float(good), abs=0.01)


def test_exported_net_runs_the_same_without_torch(tmp_path: Path) -> None:
    torch.manual_seed(4)
    net = ParserNet()
    with torch.no_grad():
        net(torch.randn(2, CHANNELS, 96, 64))  # normalisation that is not the identity
    parser_export.export(net, tmp_path / "net.safetensors")
    planes = np.random.default_rng(5).normal(size=(1, CHANNELS, HEIGHT_PX, WIDTH_PX)).astype(np.float32)
    found = ParseNet(load_weights(tmp_path / "net.safetensors")).run(planes)
    with torch.inference_mode():
        labels, presence = net.eval()(torch.from_numpy(planes))
    np.testing.assert_allclose(found[0], labels.softmax(dim=1).numpy(), atol=1e-3)
    np.testing.assert_allclose(found[1], presence.sigmoid().numpy(), atol=1e-3)
    assert (tmp_path / "net.safetensors").stat().st_size <= 8_000_000


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "_SIZES", ((0.5, (48, 32), 2), (1.0, (96, 64), 2)))


@pytest.mark.usefixtures("small")
def test_training_learns_the_drawn_photos(photos: Photos, truth: Truth) -> None:
    training = parser.Training(photos, truth, "cpu", seed=1)
    losses = [training.step(step / 48) for step in range(24)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert training.state.step == 24


@pytest.mark.usefixtures("small")
def test_going_on_gives_what_going_through_would_have(photos: Photos, truth: Truth, tmp_path: Path) -> None:
    through = parser.Training(photos, truth, "cpu", seed=1)
    expected = [through.step(0.6) for _ in range(3)]
    first = parser.Training(photos, truth, "cpu", seed=1)
    first.step(0.6)
    first.state.save(tmp_path / "checkpoint.pt")
    second = parser.Training(photos, truth, "cpu", seed=1)
    second.state.load(tmp_path / "checkpoint.pt")
    assert [second.step(0.6) for _ in range(2)] == pytest.approx(expected[1:], abs=1e-3)


def test_cache_is_made_from_photos_and_read_again(tmp_path: Path, models_dir: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    astronaut = np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])
    for name, picture in (("somebody", astronaut), ("nobody", np.full((200, 200, 3), 90, np.uint8))):
        cv2.imwrite(str(folder / f"{name}.jpg"), picture)
        cv2.imwrite(str(folder / f"{name}_mask.png"), np.full(picture.shape[:2], 3, np.uint8))
    photos = parser_cache.load(folder, models_dir, tmp_path / "cache")
    assert photos.names == ("somebody.jpg",)
    assert photos.bgr.shape == (1, parser_cache.VIEWS, *CACHE_PX, 3)
    sharp, blurred = photos.bgr[0].astype(int)
    assert np.abs(sharp - blurred).max() > 50  # the face
    assert (np.abs(sharp - blurred).max(axis=2) > 10).mean() < 0.1
    assert photos.masks[0, 0].mean() > 20
    again = parser_cache.load(tmp_path / "gone", models_dir, tmp_path / "cache")
    np.testing.assert_array_equal(again.joints, photos.joints)
