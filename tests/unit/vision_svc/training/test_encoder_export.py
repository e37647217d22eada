"""The numbers beside the network: what is made to count, and what is made to count little."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vision_svc.training.encoder_export import label_rotation, rotation  # noqa: E402 - only where torch is

pytestmark = pytest.mark.unit


def _measured(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs `(60, 2, 9)` and labels: 0 tells labels apart, 1-6 garments, 7-8 the two photos of one."""
    rng = np.random.default_rng(seed)
    labels = np.array(["coat", "shirt", "skirt"] * 20)
    garment = np.column_stack([np.tile([-2.0, 0.0, 2.0], 20), rng.normal(0, 3, (60, 6)), np.zeros((60, 2))])
    return garment[:, None] + rng.normal(0, [0.2] * 7 + [9.0] * 2, (60, 2, 9)), labels


def _cosines(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    cosines: np.ndarray = unit @ unit.T
    return cosines


def test_what_two_photos_of_a_garment_differ_in_counts_little() -> None:
    pairs, _ = _measured(1)
    turned = pairs @ rotation(pairs, 8, 0.01)
    found = _cosines(turned.reshape(-1, 8))
    found[np.arange(120), np.arange(120)] = -2
    partner = np.arange(120) ^ 1
    assert np.mean(found.argmax(axis=1) == partner) > 0.8
    plain = _cosines(pairs.reshape(-1, 9))
    plain[np.arange(120), np.arange(120)] = -2
    assert np.mean(plain.argmax(axis=1) == partner) < 0.5


def test_what_garments_of_one_label_differ_in_counts_little() -> None:
    pairs, labels = _measured(2)
    turned = pairs[:, 0] @ label_rotation(pairs, labels, 3, 0.01)
    found, plain = (_cosines(values) for values in (turned, pairs[:, 0]))
    alike = labels[:, None] == labels[None]
    assert found[alike].mean() - found[~alike].mean() > 1
    assert plain[alike].mean() - plain[~alike].mean() < 0.6
    assert np.abs(label_rotation(pairs, labels, 3, 0.01)).max() == 1
