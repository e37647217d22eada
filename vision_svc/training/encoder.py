"""Trains the network of `fashion/3`: `python -m vision_svc.training.encoder --garments DIR --out FILE`.

DIR holds `labels.csv` (columns file, label, sender_id) and the photos. Street photos with masks (`--parsing`, with
`--mask-labels`) and drawn garments (`--drawn`, written by `python -m retrieval_svc.catalog.demo`) add kinds that the
photos lack. With `--lessons` the network also imitates a larger one (`encoder_teacher`). One contributor in five is
held out (`encoder_labels.held_out`), and the figures shown are on those.

It can be stopped and started again: the state is kept beside FILE every few minutes. How far it is follows from the
CPU time it has used, so a busy machine takes longer and reaches the same. `encoder_export` makes the shipped weights.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from vision_svc.garments.fashion_input import SIDE_PX
from vision_svc.training.averaging import follow
from vision_svc.training.encoder_accuracy import accuracy
from vision_svc.training.encoder_augment import Augmenter, Batch
from vision_svc.training.encoder_data import Samples, load
from vision_svc.training.encoder_lessons import Lessons, load_lessons
from vision_svc.training.encoder_loss import (
    contrastive_loss,
    imitation_loss,
    instance_loss,
    likeness_loss,
    mimicry_loss,
    partial_loss,
    softened,
)
from vision_svc.training.encoder_net import EncoderNet, Outputs

# Progress from which a picture size is used: small first, which is cheap and learns the rough shapes.
_SIZES = ((0.0, 64), (0.3, 80), (0.55, SIDE_PX))
_BATCH = 64
_RATE, _DECAY = 2.5e-3, 0.08
_CONTRAST, _INSTANCE, _PATTERN = 0.4, 0.3, 0.3
# With a teacher: the label's share beside what the teacher says, the weights of its likenesses and of its feature.
_LABEL_SHARE, _LIKENESS, _MIMICRY = 0.3, 8.0, 2.0
_EMA = 0.999
_MIX_SHARE = 0.5
_REPORT_S, _SAVE_S = 60.0, 120.0


class Taught(NamedTuple):
    """What a teacher says of a batch: logits `(N, len(KINDS))`, features `(N, D)`, and whether the labels fit it."""

    logits: Tensor
    feature: Tensor
    labelled: bool


class Training:
    """A network, its moving average and how far they are."""

    def __init__(self, samples: Samples, seed: int, device: str, lessons: Lessons | None = None) -> None:
        torch.manual_seed(seed)
        self._lessons = lessons
        self._samples, self._seed, self._device = samples, seed, device
        self._rng = np.random.default_rng(seed + 1)
        self.net = EncoderNet().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub forgets it
        self.average = EncoderNet().to(device).eval()
        self.average.load_state_dict(self.net.state_dict())
        self._optimizer = torch.optim.AdamW(_groups(self.net), lr=_RATE, fused=True)
        self.elapsed_s, self.steps, self.loss = 0.0, 0, 0.0

    def restore(self, path: Path) -> None:
        """Goes on where `save` left off."""
        state = torch.load(path, weights_only=True, map_location=self._device)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.elapsed_s, self.steps = state["elapsed_s"], state["steps"]

    def begin_with(self, path: Path) -> None:
        """Starts anew from the network of another run, with nothing of its optimizer."""
        state = torch.load(path, weights_only=True, map_location=self._device)
        for net in (self.net, self.average):
            net.load_state_dict(state["average"], strict=False)  # an older one had no `mimic`

    def save(self, path: Path) -> None:
        """Writes everything that `restore` needs, in one move."""
        state = {"net": self.net.state_dict(), "average": self.average.state_dict()}
        progress = {"elapsed_s": self.elapsed_s, "steps": self.steps}
        torch.save(state | {"optimizer": self._optimizer.state_dict()} | progress, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def run(self, minutes: float) -> Iterator[float]:
        """Trains; yields the progress, 0-1, after each step."""
        draw = self._draw(np.random.default_rng(self._seed + self.steps))
        self.net.train()
        used = time.process_time()
        while (progress := self.elapsed_s / (60 * minutes)) < 1:
            side = next(size for start, size in reversed(_SIZES) if progress >= start)
            rate = _RATE * min(1.0, (self.steps + 1) / 300) * 0.5 * (1 + float(np.cos(np.pi * progress)))
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            self._step(*draw(side), side)
            now = time.process_time()
            self.elapsed_s, used = self.elapsed_s + now - used, now
            yield progress

    def _draw(self, rng: np.random.Generator) -> Callable[[int], tuple[Batch, Taught | None]]:
        """Returns what draws a batch of a given size of picture, with what the teacher says of it."""
        if not (lessons := self._lessons):
            augment = Augmenter(self._samples, int(rng.integers(1 << 30)))
            return lambda side: (augment.batch(_BATCH, side), None)

        def drawn(_: int) -> tuple[Batch, Taught]:
            batch, *said, labelled = lessons.batch(_BATCH, rng)
            logits, feature = (torch.from_numpy(values).to(self._device) for values in said)
            return batch, Taught(logits, feature, labelled)

        return drawn

    def _step(self, batch: Batch, taught: Taught | None, side: int) -> None:
        inputs = torch.from_numpy(batch.inputs).to(self._device, memory_format=torch.channels_last)
        kinds = torch.from_numpy(batch.kinds).to(self._device)
        inputs = _smaller(inputs, side)
        if taught is not None:
            said = self._said(inputs)
            loss = self._taught(said, taught)
            if taught.labelled:
                right = partial_loss(said.kinds.float(), kinds)
                loss = loss + _LABEL_SHARE * right + self._apart(said, kinds, batch.patterns)
        elif self._rng.random() < _MIX_SHARE:
            other = torch.from_numpy(self._rng.permutation(len(inputs))).to(self._device)
            inputs, share = self._mixed(inputs, other)
            logits = self._said(inputs).kinds.float()
            loss = share * partial_loss(logits, kinds) + (1 - share) * partial_loss(logits, kinds[other])
        else:
            said = self._said(inputs)
            loss = partial_loss(said.kinds.float(), kinds) + self._apart(said, kinds, batch.patterns)
        self._learn(loss)

    def _said(self, inputs: Tensor) -> Outputs:
        with torch.autocast(torch.device(self._device).type, torch.bfloat16):
            said: Outputs = self.net(inputs)
        return said

    def _taught(self, said: Outputs, taught: Taught) -> Tensor:
        """Returns what can be learnt from a teacher, whatever the views show."""
        loss = (1 - _LABEL_SHARE) * imitation_loss(said.kinds.float(), softened(taught.logits))
        loss = loss + _LIKENESS * likeness_loss(said.feature.float(), taught.feature)
        return loss + _MIMICRY * mimicry_loss(self.net.mimic(said.feature.float()), taught.feature)

    def _apart(self, said: Outputs, kinds: Tensor, printed: npt.NDArray[np.int64]) -> Tensor:
        """Returns what only whole garments can teach: their like, themselves seen again, their print."""
        patterns = torch.from_numpy(printed).to(self._device)
        with torch.autocast(torch.device(self._device).type, torch.bfloat16):
            alike, same = self.net.projection(said.feature), self.net.instance(said.feature)
        loss = _CONTRAST * contrastive_loss(alike.float(), kinds) + _INSTANCE * instance_loss(same.float())
        known = patterns >= 0
        if bool(known.any()):
            named = functional.cross_entropy(said.patterns.float()[known], patterns[known], label_smoothing=0.05)
            loss = loss + _PATTERN * named
        return loss

    def _learn(self, loss: Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self._optimizer.step()
        self.steps += 1
        self.loss += 0.02 * (float(loss.detach()) - self.loss)
        follow(self.average, self.net, min(_EMA, (1 + self.steps) / (20 + self.steps)))

    def _mixed(self, inputs: Tensor, other: Tensor) -> tuple[Tensor, float]:
        """Blends each sample with another one, or puts a rectangle of the other into it."""
        share = float(self._rng.beta(0.8, 0.8))
        if self._rng.random() < 0.5:
            return share * inputs + (1 - share) * inputs[other], share
        side = inputs.shape[-1]
        length = int(side * np.sqrt(1 - share))
        x, y = (int(self._rng.integers(0, side - length + 1)) for _ in range(2))
        cut = inputs.clone()
        cut[..., y : y + length, x : x + length] = inputs[other][..., y : y + length, x : x + length]
        return cut, 1 - (length / side) ** 2


def _smaller(inputs: Tensor, side: int) -> Tensor:
    if inputs.shape[-1] == side:
        return inputs
    return functional.interpolate(inputs, (side, side), mode="bilinear", antialias=True)


def _groups(net: EncoderNet) -> list[dict[str, object]]:
    """Splits the parameters: scales and offsets are not decayed."""
    matrices = [value for value in net.parameters() if value.ndim > 1]
    vectors = [value for value in net.parameters() if value.ndim <= 1]
    return [{"params": matrices, "weight_decay": _DECAY}, {"params": vectors, "weight_decay": 0.0}]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--garments", type=Path, required=True, help="folder with labels.csv and photos")
    parser.add_argument("--parsing", type=Path, help="folder with street photos and masks")
    parser.add_argument("--mask-labels", type=Path, help="names of the numbers in the masks (ccp_labels.json)")
    parser.add_argument("--drawn", type=Path, help="folder with catalog.jsonl and drawn pictures")
    parser.add_argument("--cache", type=Path, help="file for the cut garments (default: beside --out)")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write (.pt)")
    parser.add_argument("--minutes", type=float, default=60.0, help="CPU minutes to train for (default 60)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument("--lessons", type=Path, nargs="+", help="what a teacher says (.npz), by encoder_lessons")
    parser.add_argument("--start", type=Path, help="checkpoint whose network to begin with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    return parser.parse_args()


def main() -> None:
    """Runs from the command line."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    cache = arguments.cache or arguments.out.with_suffix(".npz")
    samples = load(cache, arguments.garments, arguments.parsing, arguments.mask_labels, arguments.drawn)
    lessons = load_lessons(arguments.lessons) if arguments.lessons else None
    training = Training(samples, arguments.seed, arguments.device, lessons)
    if arguments.out.exists():
        training.restore(arguments.out)
    elif arguments.start:
        training.begin_with(arguments.start)
    shown = saved = training.elapsed_s
    for progress in training.run(arguments.minutes):
        if training.elapsed_s - shown >= _REPORT_S:
            shown = training.elapsed_s
            right = accuracy(training.average, samples)
            line = f"{progress:6.1%}  step {training.steps}  loss {training.loss:.3f}  held-out top-1 {right:.3f}\n"
            sys.stderr.write(line)
        if training.elapsed_s - saved >= _SAVE_S:
            saved = training.elapsed_s
            training.save(arguments.out)
    training.save(arguments.out)
    sys.stdout.write(f"held-out top-1 over ten classes: {accuracy(training.average, samples):.3f}\n")


if __name__ == "__main__":
    main()
