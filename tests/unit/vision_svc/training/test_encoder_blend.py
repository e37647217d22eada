"""The networks of two runs are blended by their shares."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402 - only where torch is

from vision_svc.training.encoder_blend import blend  # noqa: E402

pytestmark = pytest.mark.unit


def _network(value: float, seen: int) -> dict[str, Tensor]:
    net = nn.BatchNorm1d(2)
    nn.init.constant_(net.weight, value)
    net.running_mean = torch.full((2,), -value)
    net.num_batches_tracked = torch.tensor(seen)
    return dict(net.state_dict())


@pytest.mark.parametrize(("shares", "mean"), [([1.0], 4.0), ([0.5, 0.5], 3.0), ([0.25, 0.75], 3.5), ([1.0, 3.0], 3.5)])
def test_weights_and_statistics_are_the_mean_by_share(shares: list[float], mean: float) -> None:
    networks = [_network(2.0, 5), _network(4.0, 7)][-len(shares) :]
    blended = blend(networks, shares)
    assert blended["weight"].tolist() == [mean, mean]
    assert blended["running_mean"].tolist() == [-mean, -mean]
    assert int(blended["num_batches_tracked"]) == 7  # it counts, and is no mean


@pytest.mark.parametrize("shares", [[1.0], [0.0, 0.0]], ids=["too few", "nothing"])
def test_shares_that_say_nothing_are_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="a share for each of 2 networks"):
        blend([_network(1.0, 1), _network(2.0, 1)], shares)


def test_networks_of_two_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="same kind"):
        blend([_network(1.0, 1), dict(nn.BatchNorm1d(3).state_dict())], [0.5, 0.5])
