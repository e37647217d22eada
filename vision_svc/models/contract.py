"""The one contract of every model: `pre_process`, `forward`, `post_process`, each typed."""

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

InputT = TypeVar("InputT")
TensorT = TypeVar("TensorT")
RawT = TypeVar("RawT")
OutputT = TypeVar("OutputT")


class Task(enum.StrEnum):
    """What a model is for; the names stand in answers and in `ListModels`."""

    PERSON_DETECT = "people.detect"
    PERSON_POSE = "people.pose"
    PERSON_MASK = "people.mask"
    PERSON_MASK_LANDSCAPE = "people.mask_landscape"
    GARMENT_PARSE = "garments.parse"
    GARMENT_FOREGROUND = "garments.foreground"
    GARMENT_DESCRIBE = "garments.describe"
    GARMENT_EMBED = "garments.embed"
    TEXT_EMBED = "garments.embed_text"


@dataclass(frozen=True)
class ModelSpec:
    """What is known of a model before it is loaded.

    Attributes:
        task: What it does.
        model: Its id with its version, as answers carry it: `hand-made/1`, `openai/clip-vit-base-patch32`.
        backend: What runs it: `numpy`, `litert`, `transformers`.
        license: SPDX identifier, or words.
        source: A package with its version, a hub id, a folder's name, or `vitrine` for our own.
        description: What it is, one sentence.
        version: Its version.
        dimension: Dimension of its vectors; 0 where it makes none.
        sha256: Checksum of its file in hex; empty where there is none.
        device: Where it runs: `cpu`, `cuda:0`.
    """

    task: Task
    model: str
    backend: str
    license: str
    source: str
    description: str
    version: str = "1"
    dimension: int = 0
    sha256: str = ""
    device: str = "cpu"


@dataclass(frozen=True)
class ModelUse:
    """One model that took part in an answer.

    Attributes:
        task: What it did.
        model: Its id.
        degraded_reason: Why a weaker stand-in answered; empty where the model that the settings ask for did.
    """

    task: str
    model: str
    degraded_reason: str = ""


class Model(ABC, Generic[InputT, TensorT, RawT, OutputT]):
    """A model that works on batches, in three steps that can be tested alone.

    `forward` is the only step that a batcher must serialise; the others are pure functions of their arguments.

    Attributes:
        spec: What it is.
    """

    spec: ModelSpec

    @abstractmethod
    def pre_process(self, inputs: Sequence[InputT]) -> TensorT:
        """Turns inputs into what the network takes."""

    @abstractmethod
    def forward(self, tensors: TensorT) -> RawT:
        """Runs the network."""

    @abstractmethod
    def post_process(self, raw: RawT, inputs: Sequence[InputT]) -> list[OutputT]:
        """Turns what the network gives into one result per input, in order."""

    def infer(self, inputs: Sequence[InputT]) -> list[OutputT]:
        """Runs all three steps.

        Args:
            inputs: A batch; empty is allowed.

        Returns:
            One result per input, in order.
        """
        if not inputs:
            return []
        return self.post_process(self.forward(self.pre_process(inputs)), inputs)
