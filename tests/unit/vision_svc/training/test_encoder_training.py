"""The training code of the encoder: what is shipped computes what was trained, and nobody held out is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vision_svc.garments.fashion import network  # noqa: E402 - only where torch is
from vision_svc.garments.fashion_input import fashion_input  # noqa: E402
from vision_svc.garments.kinds import KINDS, PATTERN_KINDS  # noqa: E402
from vision_svc.garments.thumbnail import GarmentView  # noqa: E402
from vision_svc.models.onnx_net import OnnxNet  # noqa: E402
from vision_svc.training.encoder import Taught, Training  # noqa: E402
from vision_svc.training.encoder_augment import Augmenter, network_input  # noqa: E402
from vision_svc.training.encoder_data import PHOTO, Samples, framed  # noqa: E402
from vision_svc.training.encoder_head import refit  # noqa: E402
from vision_svc.training.encoder_labels import MASK_LABELS, PHOTO_LABELS, held_out  # noqa: E402
from vision_svc.training.encoder_lessons import Lessons, load_lessons, teach  # noqa: E402
from vision_svc.training.encoder_loss import (  # noqa: E402
    contrastive_loss,
    imitation_loss,
    instance_loss,
    likeness_loss,
    mimicry_loss,
    partial_loss,
    softened,
)
from vision_svc.training.encoder_mixes import Anywhere, Blends  # noqa: E402
from vision_svc.training.encoder_net import EncoderNet  # noqa: E402
from vision_svc.training.encoder_teacher import Panel, Teacher, tune  # noqa: E402
from vision_svc.training.folding import folded  # noqa: E402

pytestmark = pytest.mark.unit


def samples(count: int = 24) -> Samples:
    """Rectangles of two kinds, every third one held out."""
    rng = np.random.default_rng(3)
    images = rng.integers(0, 255, (count, 128, 128, 3), dtype=np.uint8)
    masks = np.zeros((count, 128, 128), np.uint8)
    kinds = np.zeros((count, len(KINDS)), np.bool_)
    for index in range(count):
        kinds[index, index % 2] = True
        masks[index, 10:118, 40 - 20 * (index % 2) : 88 + 20 * (index % 2)] = 255
    return Samples(
        images, masks, kinds, np.full(count, -1), np.full(count, PHOTO), np.arange(count) % 3 == 0,
        np.array([("Shirt", "Pants")[index % 2] for index in range(count)]),
        np.array([f"sender {index % 5}" for index in range(count)]), np.zeros(count, np.bool_),
    )  # fmt: skip


def test_what_is_shipped_computes_what_was_trained() -> None:
    torch.manual_seed(5)
    net = EncoderNet()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after training, not as at the start
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.2)
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    net.eval()
    arrays = {name: values.astype(np.float32) for name, values in folded(net).items()}
    inputs = np.random.default_rng(1).normal(size=(2, 4, 96, 96)).astype(np.float32)
    ours = OnnxNet(network(arrays)).run(planes=inputs)
    with torch.no_grad():
        theirs = net(torch.from_numpy(inputs))
    scale = float(theirs.feature.abs().max())
    assert ours["feature"] / scale == pytest.approx(theirs.feature.numpy() / scale, abs=5e-3)  # float16 weights
    assert ours["kinds"] == pytest.approx(theirs.kinds.softmax(dim=1).numpy(), abs=2e-2)
    assert ours["patterns"] == pytest.approx(theirs.patterns.softmax(dim=1).numpy(), abs=2e-2)


@pytest.mark.parametrize("guessed", [False, True], ids=["sure mask", "guessed mask"])
def test_training_and_service_look_at_a_garment_alike(guessed: bool) -> None:
    rng = np.random.default_rng(8)
    image = np.kron(rng.integers(0, 255, (8, 6, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    mask = np.zeros(image.shape[:2], np.bool_)
    mask[10:150, 20:100] = True
    served = fashion_input(GarmentView(image, mask, GarmentView(image, mask) if guessed else None)).planes
    trained = network_input(*framed(image, mask, whole=True), 96, guessed=guessed)
    assert np.abs(served - trained).mean() < 0.05
    assert np.abs(served[3] - trained[3]).mean() < 0.03


def test_nothing_held_out_is_ever_drawn() -> None:
    every = samples()
    apart = Samples(**{**vars(every), "kinds": every.kinds & ~every.held_out[:, None]})
    batches = [Augmenter(apart, seed).batch(32, 64) for seed in range(4)]
    assert all(batch.kinds.any(axis=1).all() for batch in batches)
    assert all(batch.inputs.shape == (32, 4, 64, 64) for batch in batches)


def test_the_same_seed_draws_the_same_batch() -> None:
    first, second = (Augmenter(samples(), 7).batch(16, 64) for _ in range(2))
    assert np.array_equal(first.inputs, second.inputs)
    assert np.array_equal(first.patterns, second.patterns)
    assert set(np.unique(first.patterns)) <= set(range(-1, len(PATTERN_KINDS)))


def test_training_learns_and_goes_on_where_it_stopped(tmp_path: object) -> None:
    torch.manual_seed(0)
    training = Training(samples(), 1, "cpu")
    batch = Augmenter(samples(), 1).batch(8, 32)
    inputs, kinds = torch.from_numpy(batch.inputs), torch.from_numpy(batch.kinds)
    before = float(partial_loss(training.net(inputs).kinds, kinds).detach())
    for _ in range(8):
        training._step(batch, None, 32)
    assert float(partial_loss(training.net(inputs).kinds, kinds).detach()) < before - 0.3
    path = tmp_path / "state.pt"  # type: ignore[operator]  # a path
    training.save(path)
    again = Training(samples(), 2, "cpu")
    again.restore(path)
    assert again.steps == 8
    for name, values in training.average.state_dict().items():
        assert torch.equal(values, again.average.state_dict()[name]), name


class Patches(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch may be missing
    """A backbone as small as can be: one convolution with as many channels as the teacher's heads take."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 1280, 8, 8)

    def extract_features(self, planes: Any) -> Any:
        """Maps `(N, 3, S, S)` to `(N, 1280, S / 8, S / 8)`."""
        return torch.relu(self.conv(planes))


def test_a_teacher_is_tuned_and_a_pupil_comes_to_say_what_it_says() -> None:
    torch.manual_seed(0)
    teacher = Teacher(Patches(), 48)
    assert [step for step, _, _ in tune(teacher, samples(), 3, 1)] == [1, 2, 3]
    teacher.kinds.bias.data[KINDS.index("hat")] = 8.0  # no label says so, only the teacher
    lessons = teach(lambda: Augmenter(samples(), 1).batch(64, 32), Panel([teacher.eval()], [1.0]), 2, labelled=True)
    assert lessons.planes.shape == (64, 2, 4, 96, 96)
    batch, logits, feature, labelled = lessons.batch(16, np.random.default_rng(1))
    taught = Taught(torch.from_numpy(logits), torch.from_numpy(feature), labelled)
    training = Training(samples(), 1, "cpu", lessons)

    def apart() -> float:
        small = torch.nn.functional.interpolate(
            torch.from_numpy(batch.inputs), (32, 32), mode="bilinear", antialias=True
        )
        return float(imitation_loss(training.net(small).kinds, softened(taught.logits)).detach())

    before = apart()
    for _ in range(20):
        training._step(batch, taught, 32)
    assert apart() < 0.5 * before


def test_teachers_together_say_the_mean_of_their_chances_each_at_its_own_size() -> None:
    torch.manual_seed(0)
    hat, bag = (Teacher(Patches(), side).eval() for side in (32, 48))
    hat.kinds.bias.data[KINDS.index("hat")] = bag.kinds.bias.data[KINDS.index("bag")] = 20.0
    seen: list[tuple[int, ...]] = []
    for teacher in (hat, bag):
        teacher.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
    panel = Panel([hat, bag], [0.25, 0.75])
    assert panel.side_px == 48
    planes = torch.from_numpy(Augmenter(samples(), 1).batch(2, 48).inputs)
    said = panel.outputs(planes)
    chances = said.kinds.exp()[0]
    assert [round(float(chances[KINDS.index(kind)]), 3) for kind in ("hat", "bag")] == [0.25, 0.75]
    assert torch.equal(said.feature, bag(planes).feature)  # the one who counts most
    assert seen[:2] == [(2, 4, 48, 48), (2, 4, 32, 32)]


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.6]], ids=["too_few", "more_than_one"])
def test_shares_of_teachers_that_make_no_sense_are_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="shares"):
        Panel([Teacher(Patches(), 32), Teacher(Patches(), 32)], shares)


def test_lessons_keep_each_view_with_what_was_said_of_it(tmp_path: object) -> None:
    count = 5
    planes = np.zeros((count, 2, 4, 96, 96), np.int8)
    planes[:, :, 0, :, :48] = np.arange(1, 2 * count + 1).reshape(count, 2, 1, 1) * 10  # only the left half is lit
    kinds = np.eye(count, len(KINDS), dtype=np.bool_)
    said = np.arange(2 * count).reshape(count, 2, 1).astype(np.float16)
    patterns = said[..., 0].astype(np.int64)
    lessons = Lessons(planes, kinds, patterns, said.repeat(len(KINDS), 2), said.repeat(3, 2), np.ones(count, np.bool_))
    path = tmp_path / "lessons.npz"  # type: ignore[operator]  # a path
    np.savez(path, **vars(lessons))
    batch, logits, feature, labelled = load_lessons([path, path]).batch(40, np.random.default_rng(2))
    assert labelled
    number = np.rint(batch.inputs[:, 0].max(axis=(1, 2)) * 127).astype(int) // 10 - 1
    assert np.array_equal(logits[:, 0], number)
    assert np.array_equal(feature[:, 2], number - np.float32(4.5))  # less the mean over all
    assert np.array_equal(batch.patterns, number)
    assert np.array_equal(batch.kinds.argmax(axis=1), number // 2)
    assert np.array_equal(number[:20] // 2, number[20:] // 2)  # a garment and the same once more
    mirrored = batch.inputs[:, 0, 0, -1] > 0
    assert 5 < mirrored.sum() < 35


def test_batches_are_of_labelled_views_or_of_others() -> None:
    count = 6
    labelled = np.arange(count) % 3 == 0
    planes = np.broadcast_to(np.where(labelled, 50, 20).astype(np.int8)[:, None, None, None, None], (count, 2, 4, 2, 2))
    kinds, patterns = np.ones((count, len(KINDS)), np.bool_), np.zeros((count, 2), np.int64)
    said = np.zeros((count, 2, 3), np.float16)
    lessons, rng = Lessons(planes, kinds, patterns, said, said, labelled), np.random.default_rng(3)
    drawn = [lessons.batch(4, rng) for _ in range(40)]
    assert 10 < sum(lesson.labelled for lesson in drawn) < 30
    for lesson in drawn:
        assert np.unique(np.rint(lesson.batch.inputs * 127)).tolist() == [50 if lesson.labelled else 20]


def test_no_label_is_used_where_none_fits() -> None:
    training = Training(samples(), 1, "cpu")
    batch, rng = Augmenter(samples(), 1).batch(8, 32), np.random.default_rng(4)
    logits, feature = (torch.from_numpy(rng.normal(size=(8, width)).astype(np.float32)) for width in (len(KINDS), 1280))
    said = training._said(torch.from_numpy(batch.inputs))
    first = float(training._taught(said, Taught(logits, feature, labelled=False)).detach())
    training._step(batch, Taught(logits, feature, labelled=False), 32)
    assert training.loss == pytest.approx(0.02 * first, rel=0.05)  # the mean starts from 0; dropout differs
    labelled = Training(samples(), 1, "cpu")
    labelled._step(batch, Taught(logits, feature, labelled=True), 32)
    assert labelled.loss > 1.2 * training.loss


def test_blends_show_two_garments_and_claim_no_kind() -> None:
    alone, mixed = (drawer(samples(), 7).batch(16, 64) for drawer in (Augmenter, Blends))
    assert mixed.kinds.all()
    assert (mixed.patterns == -1).all()
    assert np.abs(mixed.inputs).max() <= 1
    assert (mixed.inputs <= alone.inputs.max(axis=0) + 1e-6).all()  # between the garments of the same draw
    assert (mixed.inputs >= alone.inputs.min(axis=0) - 1e-6).all()
    kept = [
        float(np.mean(np.isclose(one, blend).all(axis=0)))
        for one, blend in zip(alone.inputs, mixed.inputs, strict=True)
    ]
    assert sum(share < 1 for share in kept) >= 14  # the same garment may meet itself
    assert any(0.15 < share < 0.85 for share in kept)  # cut into each other


def test_pieces_come_from_photos_of_the_training_side_alone(tmp_path: Path) -> None:
    senders = [f"sender {number}" for number in range(12)]
    (tmp_path / "images").mkdir()
    for number, sender in enumerate(senders):
        grey = np.full((60, 50, 3), 250 if held_out(sender) else 30, np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{number}.jpg"), grey)
    rows = "".join(f"images/{number}.jpg,Shirt,False,{sender}\n" for number, sender in enumerate(senders))
    (tmp_path / "labels.csv").write_text("file,label,kids,sender_id\n" + rows)
    assert {True, False} == {held_out(sender) for sender in senders}
    drawer = Anywhere(samples(), [tmp_path], 2)
    assert all(int(photo.max()) < 100 for photo in drawer._photos)
    batch = drawer.batch(20, 32)
    assert batch.inputs.shape == (20, 4, 32, 32)
    outlined = [(planes[:3, planes[3] == 0] == 0).all() for planes in batch.inputs]
    assert 3 < sum(map(bool, outlined)) < 17  # in the outline of a garment, or with its surroundings


def test_mimicry_is_nothing_for_the_same_direction() -> None:
    taught = torch.randn(4, 7, generator=torch.Generator().manual_seed(1))
    assert float(mimicry_loss(3 * taught, taught)) == pytest.approx(0, abs=1e-6)
    assert float(mimicry_loss(-taught, taught)) == pytest.approx(2, abs=1e-6)


def test_imitation_is_nothing_for_equal_chances_and_grows_with_the_difference() -> None:
    taught = torch.tensor([[2.0, 0.0, -1.0]])
    same = float(imitation_loss(taught + 3, softened(taught)))
    assert same == pytest.approx(0, abs=1e-6)  # only differences of logits count
    near, far = (float(imitation_loss(torch.tensor([[value, 0.0, -1.0]]), softened(taught))) for value in (1.5, -2.0))
    assert 0 < near < far


def test_likeness_compares_how_pairs_stand_whatever_the_width() -> None:
    taught = torch.randn(6, 9, generator=torch.Generator().manual_seed(1))
    turned, _ = torch.linalg.qr(torch.randn(9, 9, generator=torch.Generator().manual_seed(2)))
    assert float(likeness_loss(5 * taught @ turned, taught)) == pytest.approx(0, abs=1e-6)
    assert float(likeness_loss(taught.flip(0), taught)) > 0.05


def test_the_last_layer_learns_drawings_and_keeps_its_word_on_photos() -> None:
    torch.manual_seed(4)
    head, kinds = torch.nn.Linear(8, 5), torch.zeros(60, 5, dtype=torch.bool)
    drawings = torch.randn(60, 8) * torch.tensor([1.0] * 4 + [0.05] * 4)
    photos = torch.randn(80, 8) * torch.tensor([0.05] * 4 + [1.0] * 4)
    kinds[torch.arange(60), (drawings[:, 0] > 0).long()] = True  # which no photo contradicts
    fitted = refit(head, (drawings, kinds), photos)

    def right(layer: Any) -> float:
        return float(kinds[torch.arange(60), layer(drawings).argmax(dim=1)].float().mean())

    assert right(fitted) > max(0.9, right(head) + 0.2)
    moved = (fitted(photos).softmax(dim=1) - head(photos).softmax(dim=1)).abs().mean()
    assert float(moved.detach()) < 0.03


def test_any_of_the_allowed_kinds_is_right() -> None:
    logits = torch.tensor([[8.0, 0.0, 0.0, 0.0]])
    one, both, wrong = (torch.tensor([row]) for row in ([1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]))
    losses = [float(partial_loss(logits, allowed.bool())) for allowed in (one, both, wrong)]
    assert losses[1] <= losses[0] < losses[2]


def test_alike_labels_pull_and_overlapping_ones_do_neither() -> None:
    labels = torch.tensor([[1, 0, 0], [1, 0, 0], [0, 1, 0]]).bool()
    close = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    far = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]])
    assert float(contrastive_loss(close, labels)) < float(contrastive_loss(far, labels))
    overlapping = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 0, 1]]).bool()
    assert float(contrastive_loss(close, overlapping)) == 0


def test_each_garment_is_drawn_twice_and_pulled_to_itself() -> None:
    batch = Augmenter(samples(), 2).batch(16, 64)
    assert np.array_equal(batch.kinds[:8], batch.kinds[8:])
    assert not np.array_equal(batch.inputs[:8], batch.inputs[8:])
    garments = torch.eye(4)
    assert float(instance_loss(torch.cat([garments, garments]))) < 0.01
    assert float(instance_loss(torch.cat([garments, garments.roll(1, 0)]))) > 5


def test_all_labels_name_kinds_and_the_split_is_by_contributor() -> None:
    for labels in (PHOTO_LABELS, MASK_LABELS):
        assert {kind for kinds in labels.values() for kind in kinds} <= set(KINDS)
    # Checksums computed with zlib's own crc32 tool: 166 is on the held-out side, 204 and 260 are not.
    assert [held_out(sender) for sender in ("166", "204", "260")] == [True, False, False]
    assert sum(held_out(str(number)) for number in range(1000)) == pytest.approx(200, abs=40)
