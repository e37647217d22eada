"""Trains the garment parser from scratch: `python -m vision_svc.training.parser --data DIR --out FILE`.

DIR holds photos `NAME.jpg` with masks `NAME_mask.png`; `--labels` names the `ccp_labels.json` that says what the
numbers in the masks mean. One photo in twelve, by a hash of its name, is never trained on and measured instead. It
starts with small pictures and goes on with large ones; it can be stopped at any time and goes on where it was when
started again. On a CPU with bfloat16 units one core is enough for an hour's training; `--device cuda` works as well.
"""

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.optim import AdamW, Optimizer

from vision_svc.garments.parse_input import HEIGHT_PX, WIDTH_PX
from vision_svc.garments.parse_labels import PRESENCE
from vision_svc.training import parser_cache, parser_export
from vision_svc.training.averaging import follow
from vision_svc.training.parser_augment import Sampler, draw_weights
from vision_svc.training.parser_loss import Overlaps, loss
from vision_svc.training.parser_net import ParserNet
from vision_svc.training.parser_truth import Truth, translate

_PEAK_RATE, _LAST_RATE, _WARM_UP = 2.5e-3, 0.02, 0.03
_WEIGHT_DECAY = 0.02
_EMA = 0.998
# Until which share of the time pictures have which size, and how many go into a batch.
_SIZES = ((0.4, (192, 128), 16), (1.0, (HEIGHT_PX, WIDTH_PX), 12))
_SAVE_EVERY_S, _MEASURE_EVERY_S = 120.0, 420.0


@dataclass
class State:
    """Where training is.

    Attributes:
        net: What is trained.
        ema: Its running mean, which is what is shipped.
        optimizer: Its optimizer.
        step: Steps done.
        spent_s: Computing time spent, seconds: of the processor on a CPU, so that a pause does not count.
    """

    net: ParserNet
    ema: ParserNet
    optimizer: Optimizer
    step: int = 0
    spent_s: float = 0.0

    def save(self, path: Path) -> None:
        """Writes everything that is needed to go on."""
        content = {"net": self.net.state_dict(), "ema": self.ema.state_dict(), "optimizer": self.optimizer.state_dict()}
        partial = path.with_suffix(".partial")
        torch.save({**content, "step": self.step, "spent_s": self.spent_s}, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Goes on from a file of `save`."""
        content = torch.load(path, weights_only=True)
        self.net.load_state_dict(content["net"])
        self.ema.load_state_dict(content["ema"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.step, self.spent_s = content["step"], content["spent_s"]


class Training:
    """Trains one network on one folder of photos."""

    def __init__(self, photos: parser_cache.Photos, truth: Truth, device: str, seed: int) -> None:
        torch.manual_seed(seed)
        self._device, self._seed, self._truth = torch.device(device), seed, truth
        chosen = np.flatnonzero(~photos.held_out)
        self._chosen, self._measured = chosen, np.flatnonzero(photos.held_out)
        self._weights = draw_weights(truth)[chosen] / draw_weights(truth)[chosen].sum()
        self._sampler = Sampler(photos, truth, chosen)
        net, ema = _fresh(self._device), _fresh(self._device)
        ema.load_state_dict(net.state_dict())
        self.state = State(net, ema, _optimizer(net))

    def step(self, progress: float) -> float:
        """Does one step.

        Args:
            progress: Share of the time that is over, 0-1.

        Returns:
            The loss.
        """
        state = self.state
        rng = np.random.default_rng((self._seed, state.step))
        torch.manual_seed(self._seed + 1_000_003 * state.step)  # so that going on gives what going through would have
        planes, labels, wanted, known = self._batch(progress, rng)
        for group in state.optimizer.param_groups:
            group["lr"] = _PEAK_RATE * _rate(progress)
        state.net.train()
        with torch.autocast(self._device.type, torch.bfloat16):
            logits, presence = state.net(planes)
        value = loss(logits, presence, labels, wanted, known)
        state.optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(state.net.parameters(), 2.0)
        state.optimizer.step()
        state.step += 1
        follow(state.ema, state.net, min(_EMA, (1 + state.step) / (10 + state.step)))
        return float(value.detach())

    def _batch(self, progress: float, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        _, size, count = next(entry for entry in _SIZES if progress <= entry[0])
        drawn = rng.choice(self._chosen, count, p=self._weights)
        samples = [self._sampler.changed(int(index), size, rng) for index in drawn]
        arrays = (
            np.stack([one.planes for one in samples]),
            np.stack([one.labels for one in samples]).astype(np.int64),
            np.stack([one.presence for one in samples]),
            np.stack([one.known for one in samples]),
        )
        planes, *rest = (torch.from_numpy(array).to(self._device) for array in arrays)
        return planes.contiguous(memory_format=torch.channels_last), *rest

    @torch.inference_mode()
    def measure(self) -> dict[str, float]:
        """Measures the running mean on photos that are not trained on, with blurred faces."""
        overlaps, right = Overlaps(), 0
        net = self.state.ema.eval()
        for index in self._measured:
            sample = self._sampler.plain(int(index), 1, (HEIGHT_PX, WIDTH_PX))
            planes = torch.from_numpy(sample.planes)[None].to(self._device, memory_format=torch.channels_last)
            with torch.autocast(self._device.type, torch.bfloat16):
                logits, presence = net(planes)
            overlaps.add(logits[0].argmax(dim=0).cpu().numpy(), sample.labels)
            dress = PRESENCE.index("dress")
            right += int((presence[0, dress] > 0).item() == (sample.presence[dress] > 0))
        return overlaps.result() | {"dress_right": right / max(len(self._measured), 1)}


def _fresh(device: torch.device) -> ParserNet:
    # Convolutions are faster with the channels last; the types of PyTorch do not know the option.
    return ParserNet().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _optimizer(net: ParserNet) -> Optimizer:
    matrices = [one for one in net.parameters() if one.ndim > 1]
    vectors = [one for one in net.parameters() if one.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": _WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]
    return AdamW(groups, lr=_PEAK_RATE)


def _rate(progress: float) -> float:
    """Share of the peak learning rate: up in a line, then down along a cosine."""
    if progress < _WARM_UP:
        return 0.05 + 0.95 * progress / _WARM_UP
    falling = (progress - _WARM_UP) / (1 - _WARM_UP)
    return _LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * min(falling, 1.0))) / 2


def _clock(device: str) -> float:
    return time.process_time() if device == "cpu" else time.monotonic()


def train(training: Training, minutes: float, checkpoint: Path, device: str) -> None:
    """Trains for so many minutes of computing in all, with a checkpoint every two."""
    state, smooth = training.state, 0.0
    started = _clock(device) - state.spent_s
    saved = measured = state.spent_s
    while state.spent_s < 60 * minutes:
        value = training.step(state.spent_s / (60 * minutes))
        smooth = value if not smooth else 0.98 * smooth + 0.02 * value
        state.spent_s = _clock(device) - started
        if state.spent_s - saved > _SAVE_EVERY_S:
            state.save(checkpoint)
            saved = state.spent_s
            _say(f"{state.spent_s / 60:6.1f} of {minutes:.0f} min, step {state.step}, loss {smooth:.3f}")
        if state.spent_s - measured > _MEASURE_EVERY_S:
            measured = state.spent_s
            _say("  held out: " + "  ".join(f"{name} {value:.3f}" for name, value in training.measure().items()))
    state.save(checkpoint)


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


def main() -> None:
    """Runs from the command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="folder of photos and masks")
    options.add_argument("--labels", type=Path, required=True, help="ccp_labels.json")
    options.add_argument("--out", type=Path, required=True, help="weights to write, .safetensors")
    options.add_argument("--models", type=Path, default=Path("models"), help="people models (default: ./models)")
    options.add_argument("--work", type=Path, required=True, help="folder for the cache and the checkpoint")
    options.add_argument("--minutes", type=float, default=60.0, help="computing time (default: 60)")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options.add_argument("--seed", type=int, default=3)
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    photos = parser_cache.load(arguments.data, arguments.models, arguments.work / "cache")
    training = Training(photos, translate(photos.labels, arguments.labels), arguments.device, arguments.seed)
    checkpoint = arguments.work / "checkpoint.pt"
    if checkpoint.exists():
        training.state.load(checkpoint)
    train(training, arguments.minutes, checkpoint, arguments.device)
    _say("  held out: " + "  ".join(f"{name} {value:.3f}" for name, value in training.measure().items()))
    parser_export.export(training.state.ema, arguments.out)


if __name__ == "__main__":
    main()
