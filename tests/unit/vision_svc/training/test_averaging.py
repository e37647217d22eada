"""The moving average of a network's weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vision_svc.training.averaging import follow  # noqa: E402 - only where torch is

pytestmark = pytest.mark.unit


def test_weights_and_statistics_move_by_what_is_not_kept_and_counters_are_copied() -> None:
    average, net = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    net.weight.data.fill_(5.0)
    net.running_mean.fill_(-4.0)
    net.num_batches_tracked.fill_(7)
    follow(average, net, 0.75)
    assert average.weight.tolist() == [2.0, 2.0]  # 0.75 of 1 and 0.25 of 5
    assert average.running_mean.tolist() == [-1.0, -1.0]
    assert average.num_batches_tracked.item() == 7
    assert net.weight.tolist() == [5.0, 5.0]
