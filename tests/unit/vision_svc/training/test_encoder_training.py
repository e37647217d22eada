"""The training code of the encoder: what is shipped computes what was trained, and nobody held out is trained on."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vision_svc.garments.fashion import network  # noqa: E402 - only where torch is
from vision_svc.garments.fashion_input import fashion_input  # noqa: E402
from vision_svc.garments.kinds import KINDS, PATTERN_KINDS  # noqa: E402
from vision_svc.garments.thumbnail import GarmentView  # noqa: E402
from vision_svc.models.onnx_net import OnnxNet  # noqa: E402
from vision_svc.training.encoder import Training, contrastive_loss, instance_loss, partial_loss  # noqa: E402
from vision_svc.training.encoder_augment import Augmenter, network_input  # noqa: E402
from vision_svc.training.encoder_data import PHOTO, Samples, framed  # noqa: E402
from vision_svc.training.encoder_labels import MASK_LABELS, PHOTO_LABELS, held_out  # noqa: E402
from vision_svc.training.encoder_net import EncoderNet  # noqa: E402
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
        training._step(batch)
    assert float(partial_loss(training.net(inputs).kinds, kinds).detach()) < before - 0.3
    path = tmp_path / "state.pt"  # type: ignore[operator]  # a path
    training.save(path)
    again = Training(samples(), 2, "cpu")
    again.restore(path)
    assert again.steps == 8
    for name, values in training.average.state_dict().items():
        assert torch.equal(values, again.average.state_dict()[name]), name


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
