"""Hub models as small as they get, with random weights, saved as real checkpoints are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    SiglipConfig,
    SiglipModel,
)

_TOWER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
_CARD = "---\nlicense: mit\ntags: [tiny]\n---\n# Tiny\n"
_WORDS = ["a", "photo", "of", "red", "navy", "shirt", "dress"]
# The labels of the public ATR clothes parsers.
ATR = [
    "Background", "Hat", "Hair", "Sunglasses", "Upper-clothes", "Skirt", "Pants", "Dress", "Belt", "Left-shoe",
    "Right-shoe", "Face", "Left-leg", "Right-leg", "Left-arm", "Right-arm", "Bag", "Scarf",
]  # fmt: skip


def save_clip(folder: Path, *, siglip: bool = False) -> Path:
    """Saves a CLIP or SigLIP class model of 32 px and 12 or 16 dimensions."""
    torch.manual_seed(0)
    text = {
        **_TOWER,
        "vocab_size": 64,
        "max_position_embeddings": 16,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    vision = {**_TOWER, "image_size": 32, "patch_size": 16}
    model: Any
    if siglip:
        model = SiglipModel(SiglipConfig(text_config={**text, "projection_size": 16}, vision_config=vision))
    else:
        model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12))
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    _save_processor(folder, "SiglipImageProcessor" if siglip else "CLIPImageProcessor", 32)
    (folder / "README.md").write_text(_CARD)
    return folder


def save_segformer(folder: Path, labels: list[str] | None = None) -> Path:
    """Saves a SegFormer class parser of 64 px."""
    torch.manual_seed(0)
    names = labels or ATR
    config = SegformerConfig(
        num_encoder_blocks=4, depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 8, 8], num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8, id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)},
    )  # fmt: skip
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    _save_processor(folder, "SegformerImageProcessor", 64)
    return folder


def change_weights(folder: Path, change: Callable[[str, torch.Tensor], torch.Tensor]) -> None:
    """Rewrites the weights of a saved model; its config tells their type, as `save_pretrained` does."""
    path = folder / "model.safetensors"
    weights = {name: change(name, values) for name, values in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    kinds = {str(values.dtype).removeprefix("torch.") for values in weights.values() if values.is_floating_point()}
    (folder / "config.json").write_text(json.dumps(config | {"dtype": min(kinds)}))


def change_processor(folder: Path, changes: dict[str, Any]) -> None:
    """Changes what a saved model says of its pre-processing."""
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _tokenizer() -> CLIPTokenizer:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    return CLIPTokenizer(vocab={token: index for index, token in enumerate(tokens)}, merges=[])


def _save_processor(folder: Path, kind: str, side: int) -> None:
    size: dict[str, int] = {"height": side, "width": side}
    values = {
        "image_processor_type": kind, "do_resize": True, "size": size, "do_center_crop": False, "do_rescale": True,
        "do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "do_convert_rgb": True,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(values))
