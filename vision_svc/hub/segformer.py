"""SegFormer class parsers: a label for every pixel, turned into garments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from vision_svc.garments.outline import outlines
from vision_svc.garments.types import Bucket, ParsedGarment, ParsedImage
from vision_svc.garments.vocabulary import CATEGORIES, understand
from vision_svc.hub.source import HubSource, label_names
from vision_svc.models.contract import Model, ModelSpec, Task
from vision_svc.people.types import BoolMask, Box, ImageBgr, Person

FloatArray = npt.NDArray[np.float32]

# Labels of the public clothes parsers (ATR, LIP, Fashionpedia) that our vocabulary does not know by themselves.
_LABELS: dict[str, str] = {
    "upper-clothes": "top", "upper clothes": "top", "upper": "top", "pants": "trousers", "lower": "trousers",
    "left-shoe": "shoes", "right-shoe": "shoes", "outer": "outerwear", "jumpsuits": "jumpsuit", "hat": "headwear",
    "head accessory": "headwear", "bag, wallet": "bag", "shirt, blouse": "shirt", "top, t-shirt, sweatshirt": "top",
}  # fmt: skip
# Labels that our vocabulary would take for garments, or that are none.
_IGNORED = frozenset({"background", "hair", "face", "skin", "sunglasses", "glasses", "glove", "sock", "socks"})
_BODY = ("leg", "arm", "hand", "foot")
# Less than this share of the person is noise of the network.
_LEAST_SHARE = 0.004
_ORDER = list(CATEGORIES)


class FindPersons(Protocol):
    """Finds people, such as `vision_svc.people.finder.PersonFinder.find`."""

    def __call__(self, image_bgr: ImageBgr, *, faces_xyxy: Sequence[Box]) -> Sequence[Person]:
        """Finds people in a picture in which faces are known; see `PersonFinder.find`."""


@dataclass(frozen=True)
class LabelledPixels:
    """One picture as the network sees it.

    Attributes:
        labels: int `(H, W)`: the best label of each pixel.
        certainty: float32 `(H, W)`: its probability, 0-1.
    """

    labels: npt.NDArray[np.int64]
    certainty: FloatArray


def segformer_spec(source: HubSource) -> ModelSpec:
    """Tells what is known of a SegFormer class parser."""
    return ModelSpec(
        task=Task.GARMENT_PARSE,
        model=source.model_id,
        backend="transformers",
        license=source.license,
        source=source.name,
        description="A semantic segmentation network trained on clothes.",
        version=source.version or source.revision or "default",
        device=source.device,
    )


class SegFormerParser(Model[ImageBgr, Any, Any, LabelledPixels]):
    """A SegFormer class model from a hub id or a folder, as a parser. Needs `pip install .[vision-hub]`."""

    def __init__(self, source: HubSource, find_persons: FindPersons) -> None:
        """Loads the network.

        Args:
            source: Where it comes from.
            find_persons: Finds people in a picture; where nobody is, nothing is parsed.

        Raises:
            ImportError: torch or transformers are not installed.
            OSError: The model cannot be found or read.
            ValueError: None of its labels is a garment.
        """
        import torch  # noqa: PLC0415 - only where the settings ask for it
        from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation  # noqa: PLC0415

        self._torch, source = torch, source.resolved()
        model = AutoModelForSemanticSegmentation.from_pretrained(source.location, **source.model_options)
        self._model = model.to(source.device).eval()
        self._processor: Any = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            source.location, **source.options
        )
        self._device, self._find_persons = source.device, find_persons
        self.spec = segformer_spec(source)
        self._categories = garment_labels(label_names(model.config.id2label))
        if not self._categories:
            raise ValueError(f"{source.location}: none of its labels is a garment")

    @property
    def model_id(self) -> str:
        """The parser's id."""
        return self.spec.model

    def pre_process(self, inputs: Sequence[ImageBgr]) -> Any:  # noqa: ANN401 - a torch tensor
        """Makes the network's input, `(N, 3, S, S)`."""
        images = [np.ascontiguousarray(image[..., ::-1]) for image in inputs]
        return self._processor(images=images, return_tensors="pt", input_data_format="channels_last")["pixel_values"]

    def forward(self, tensors: Any) -> Any:  # noqa: ANN401 - torch tensors
        """Runs the network on one batch: logits `(N, labels, h, w)`."""
        with self._torch.inference_mode():
            return self._model(pixel_values=tensors.to(self._device, self._model.dtype)).logits

    def post_process(self, raw: Any, inputs: Sequence[ImageBgr]) -> list[LabelledPixels]:  # noqa: ANN401
        """Labels every pixel of each picture in its own size."""
        results = []
        for logits, image in zip(raw, inputs, strict=True):
            full = self._torch.nn.functional.interpolate(
                logits[None].float(), size=image.shape[:2], mode="bilinear", align_corners=False
            )[0]
            certainty, labels = full.softmax(dim=0).max(dim=0)
            results.append(LabelledPixels(labels.cpu().numpy(), certainty.cpu().numpy()))
        return results

    def parse(self, image_bgr: ImageBgr, faces_xyxy: Sequence[Box] = ()) -> ParsedImage:
        """Finds the garments of the largest person in a picture; see `GarmentParser.parse`."""
        return self.parse_batch([image_bgr], [faces_xyxy])[0]

    def parse_batch(self, images: Sequence[ImageBgr], faces_xyxy: Sequence[Sequence[Box]]) -> list[ParsedImage]:
        """Finds the garments of each picture; those without people are not given to the network.

        The network itself needs no faces, but whoever is not found is not parsed, and a blurred head hides people.

        Args:
            images: Each uint8 `(H, W, 3)`, BGR, of any size.
            faces_xyxy: For each picture, where faces were before they were blurred, in its pixels.

        Returns:
            What was found in each, in order.
        """
        everyone = [
            tuple(self._find_persons(image, faces_xyxy=faces)) for image, faces in zip(images, faces_xyxy, strict=True)
        ]
        pixels = iter(self.infer([image for image, persons in zip(images, everyone, strict=True) if persons]))
        parsed = []
        for image, persons in zip(images, everyone, strict=True):
            garments = garments_from(next(pixels), self._categories, persons[0]) if persons else ()
            parsed.append(ParsedImage(image.shape[1], image.shape[0], persons, garments))
        return parsed


def garment_labels(names: Mapping[int, str]) -> dict[int, str]:
    """Finds our category for each label of a network that is a garment."""
    found = {}
    for number, name in names.items():
        label = name.lower().replace("_", " ").strip()
        if label in _IGNORED or any(part in label for part in _BODY):
            continue
        category = _LABELS.get(label) or next(iter(understand(label).categories), "")
        if category:
            found[number] = category
    return found


def garments_from(pixels: LabelledPixels, categories: Mapping[int, str], person: Person) -> tuple[ParsedGarment, ...]:
    """Joins the pixels of each category on one person into a garment, top to bottom."""
    body = cv2.dilate(person.mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    total = max(int(person.mask.sum()), 1)
    garments = []
    for category in sorted(set(categories.values()), key=_ORDER.index):
        numbers = [number for number, name in categories.items() if name == category]
        mask: BoolMask = np.isin(pixels.labels, numbers) & body
        if mask.sum() >= _LEAST_SHARE * total:
            garments.append(_garment(category, mask, pixels.certainty, total))
    return tuple(sorted(garments, key=lambda garment: garment.box_xyxy[1]))


def _garment(category: str, mask: BoolMask, certainty: FloatArray, person_px: int) -> ParsedGarment:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    inside = np.ascontiguousarray(mask[box[1] : box[3], box[0] : box[2]])
    bucket: Bucket = CATEGORIES[category]
    return ParsedGarment(
        bucket, category, float(certainty[mask].mean()), box, inside, outlines(inside, box[:2]),
        min(1.0, float(mask.sum()) / person_px),
    )  # fmt: skip
