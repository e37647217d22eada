"""CLIP and SigLIP class embedders: garments and words in one trained space."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vision_svc.garments.encoder import TextVector
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.vocabulary import understand
from vision_svc.hub.source import HubSource, pooled
from vision_svc.models.contract import Model, ModelSpec, Task
from vision_svc.people.types import ImageBgr

FloatArray = npt.NDArray[np.float32]

# Behind a garment cut from its background, and beside one that is not square, these models know white best: shop
# pictures have it.
_BACKGROUND = 255
# CLIP was trained on captions, not on bare words (Radford et al. 2021, section 3.1.4).
_PROMPT = "a photo of a {}"


def clip_spec(source: HubSource, task: Task, dimension: int = 0) -> ModelSpec:
    """Tells what is known of a CLIP class model before (dimension 0) or after it is loaded."""
    return ModelSpec(
        task=task,
        model=source.model_id,
        backend="transformers",
        license=source.license,
        source=source.name,
        description="A CLIP or SigLIP class model: pictures and words in one space, trained on captions.",
        version=source.version or source.revision or "default",
        dimension=dimension,
        device=source.device,
    )


class ClipEmbedder(Model[GarmentView, Any, Any, FloatArray]):
    """A CLIP or SigLIP class model from a hub id or a folder. Needs `pip install .[vision-hub]`."""

    def __init__(self, source: HubSource) -> None:
        """Loads model, tokenizer and image processor.

        Raises:
            ImportError: torch or transformers are not installed.
            OSError: The model cannot be found or read.
            ValueError: It is no model that makes vectors of both pictures and words.
        """
        import torch  # noqa: PLC0415 - only where the settings ask for it
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer  # noqa: PLC0415

        self._torch, source = torch, source.resolved()
        model = AutoModel.from_pretrained(source.location, **source.model_options)
        if not hasattr(model, "get_image_features") or not hasattr(model, "get_text_features"):
            raise ValueError(f"{source.location} is a {type(model).__name__}; expected a CLIP or SigLIP class model")
        self._model = model.to(source.device).eval()
        self._processor: Any = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            source.location, **source.options
        )
        self._tokenizer = AutoTokenizer.from_pretrained(source.location, **source.options)
        self._device, self._seen = source.device, seen_share(self._processor)
        # SigLIP was trained with padding to its full length and says nothing sensible without; CLIP does not care.
        self._max_tokens = int(model.config.text_config.max_position_embeddings)
        self.spec = clip_spec(source, Task.GARMENT_EMBED, len(self._features_of_words("a")))

    def pre_process(self, inputs: Sequence[GarmentView]) -> Any:  # noqa: ANN401 - a torch tensor
        """Lays garments on white squares and makes the network's input, `(N, 3, S, S)`."""
        images = [_on_white(view, self._seen) for view in inputs]
        return self._processor(images=images, return_tensors="pt", input_data_format="channels_last")["pixel_values"]

    def forward(self, tensors: Any) -> Any:  # noqa: ANN401 - torch tensors
        """Runs the image tower on one batch: `(N, D)`."""
        with self._torch.inference_mode():
            images = tensors.to(self._device, self._model.dtype)
            return pooled(self._model.get_image_features(pixel_values=images))

    def post_process(self, raw: Any, inputs: Sequence[GarmentView]) -> list[FloatArray]:  # noqa: ANN401
        """Normalises vectors to length 1."""
        rows: FloatArray = raw.float().cpu().numpy()
        return [_unit(row) for row in rows[: len(inputs)]]

    def embed_text(self, text: str) -> TextVector:
        """Makes the vector of a text; longer texts than the model reads are cut, and the answer says so."""
        count = len(self._tokenizer(_PROMPT.format(text))["input_ids"])
        cut = f"the text has {count} tokens, the model reads {self._max_tokens}" if count > self._max_tokens else ""
        said = replace(understand(text), coverage=min(1.0, self._max_tokens / count))
        return TextVector(_unit(self._features_of_words(_PROMPT.format(text))), said, cut)

    def _features_of_words(self, text: str) -> FloatArray:
        tokens = self._tokenizer(
            [text], padding="max_length", truncation=True, max_length=self._max_tokens, return_tensors="pt"
        )
        known = {key: tokens[key].to(self._device) for key in ("input_ids", "attention_mask") if key in tokens}
        if self._model.config.model_type.startswith("siglip"):
            known.pop("attention_mask", None)
        with self._torch.inference_mode():
            row: FloatArray = pooled(self._model.get_text_features(**known))[0].float().cpu().numpy()
        return row


class ClipTextEmbedder:
    """The words' side of a loaded `ClipEmbedder`, as a model of its own in the registry."""

    def __init__(self, embedder: ClipEmbedder) -> None:
        self._embedder = embedder
        self.spec = replace(embedder.spec, task=Task.TEXT_EMBED)

    def embed_text(self, text: str) -> TextVector:
        """Makes the vector of a text."""
        return self._embedder.embed_text(text)


def seen_share(processor: Any) -> float:  # noqa: ANN401 - each family of models has its own class
    """Returns the share of a square's side that a processor leaves to the network; the rest is cut off all around."""
    if not (getattr(processor, "do_center_crop", False) and getattr(processor, "do_resize", False)):
        return 1.0
    resized = processor.size.get("shortest_edge") or processor.size.get("height")
    kept = min(processor.crop_size["height"], processor.crop_size["width"])
    return min(1.0, kept / resized) if resized else 1.0


def _on_white(view: GarmentView, seen: float = 1.0) -> ImageBgr:
    """Puts a garment in the middle of a white square: uint8 `(S, S, 3)`, RGB.

    Processors bring the shorter side to size and cut the middle out, which of a long dress leaves the waist.

    Args:
        view: The garment.
        seen: The share of the square's side that will be seen, 0-1; all of the garment lies within.
    """
    height, width = view.mask.shape
    side = math.ceil(max(height, width) / seen)
    square = np.full((side, side, 3), _BACKGROUND, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    place = square[top : top + height, left : left + width]
    place[view.mask] = view.image_bgr[view.mask][:, ::-1]
    return square


def _unit(row: FloatArray) -> FloatArray:
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-12), np.float32)
