"""The use case of embedding pictures in batches, for catalogues."""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imaging.decode import decode_bgr
from imaging.errors import ImageError
from vision_svc.garments.analysis import AnalysisOptions, GarmentAnalysis, Run, outfit_weight
from vision_svc.garments.attributes import SPEC as DESCRIBE_SPEC
from vision_svc.garments.attributes import Attributes, describe_product, view_of
from vision_svc.garments.encoder import outfit_vector
from vision_svc.garments.fashion import FASHION
from vision_svc.garments.foreground import SPEC as FOREGROUND_SPEC
from vision_svc.garments.foreground import crop_to_mask, cut_out
from vision_svc.garments.refine import with_pattern
from vision_svc.garments.region import Region, cut
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.wearer import is_worn
from vision_svc.models.contract import ModelUse, Task
from vision_svc.models.registry import Registry
from vision_svc.people.types import BoolMask, ImageBgr

FloatArray = npt.NDArray[np.float32]
_MASK_INSIDE = 128


class Subject(enum.Enum):
    """What a picture shows; names and numbers as `vitrine.vision.v1.EmbedSubject`."""

    ANY = 0
    PRODUCT = 1
    OUTFIT = 2


@dataclass(frozen=True)
class EmbedItem:
    """One picture to embed.

    Attributes:
        data: The encoded picture.
        subject: What it shows.
        region: Embed only here, shares of width and height.
        mask_png: Embed only these pixels: an encoded grey picture over the whole picture; None to find them out.
    """

    data: bytes
    subject: Subject = Subject.ANY
    region: Region | None = None
    mask_png: bytes | None = None


@dataclass(frozen=True)
class Embedded:
    """The vector of one picture.

    Attributes:
        vector: float32 `(D,)`, length 1.
        foreground_share: Share of the picture that was embedded, 0-1.
        background_removed: False where the whole picture was taken.
        attributes: What it looks like, when asked for.
    """

    vector: FloatArray
    foreground_share: float
    background_removed: bool
    attributes: Attributes | None


class MaskError(Exception):
    """The mask of an item cannot be used; the text says what was expected."""


@dataclass(frozen=True)
class _Prepared:
    """What of a picture is embedded: one garment, or several that make an outfit."""

    views: tuple[GarmentView, ...]
    weights: tuple[float, ...]
    share: float
    removed: bool
    attributes: Attributes | None


class BatchEmbedding:
    """Embeds pictures; every item fails or succeeds alone."""

    def __init__(self, analysis: GarmentAnalysis, registry: Registry, run: Run) -> None:
        self._analysis, self._registry, self._run = analysis, registry, run

    async def embed(self, items: Sequence[EmbedItem], *, with_attributes: bool) -> list[Embedded | Exception]:
        """Embeds pictures.

        Args:
            items: The pictures.
            with_attributes: Also describe them.

        Returns:
            One result per item, in order: the vector, or the `ImageError` or `MaskError` that tells what is wrong.

        Raises:
            vision_svc.models.registry.ModelUnavailableError: A model is not ready.
        """
        prepared: list[_Prepared | Exception] = []
        for item in items:
            try:
                prepared.append(await self._run(self._prepare, item, with_attributes))
            except (ImageError, MaskError) as error:
                prepared.append(error)
        views = [view for one in prepared if isinstance(one, _Prepared) for view in one.views]
        vectors = iter(await self._analysis.embedder.submit(views))
        return [self._join(one, vectors) if isinstance(one, _Prepared) else one for one in prepared]

    def models(self, *, with_attributes: bool) -> tuple[ModelUse, ...]:
        """Returns the models that take part."""
        uses = [self._registry.use(Task.GARMENT_EMBED), ModelUse(FOREGROUND_SPEC.task, FOREGROUND_SPEC.model)]
        if with_attributes:
            uses.append(ModelUse(DESCRIBE_SPEC.task, DESCRIBE_SPEC.model))
        return tuple(uses)

    def _join(self, one: _Prepared, vectors: Iterator[FloatArray]) -> Embedded:
        own = [next(vectors) for _ in one.views]
        vector = own[0] if len(own) == 1 else outfit_vector(own, one.weights)
        attributes = one.attributes
        if attributes is not None and len(own) == 1 and self._registry.use(Task.GARMENT_EMBED).model == FASHION:
            attributes = with_pattern(attributes, vector, worn=False)
        return Embedded(vector, one.share, one.removed, attributes)

    def _prepare(self, item: EmbedItem, with_attributes: bool) -> _Prepared:
        image, _ = self._analysis.decode(item.data, item.region)
        if item.mask_png is not None:
            mask = _cut_mask(item.mask_png, item.region, image.shape[:2])
            return _single(crop_to_mask(image, mask), float(mask.mean()), True, with_attributes)
        if item.subject is not Subject.PRODUCT:
            worn = self._worn(image, item.subject, with_attributes)
            if worn is not None:
                return worn
        with self._registry.latency.measure(FOREGROUND_SPEC.task, FOREGROUND_SPEC.model):
            found = cut_out(image)
        return _single(found.view, found.share, found.found, with_attributes)

    def _worn(self, image: ImageBgr, subject: Subject, with_attributes: bool) -> _Prepared | None:
        """Returns the outfit of the person in a picture; None where nobody wears anything that we see."""
        parsed = self._analysis.parse(image, AnalysisOptions())
        if not parsed.garments or (subject is Subject.ANY and not is_worn(image, parsed)):
            return None
        views = tuple(view_of(garment, image) for garment in parsed.garments)
        everything = np.zeros(image.shape[:2], np.bool_)
        for garment in parsed.garments:
            everything |= garment.full_mask(*image.shape[:2])
        attributes = describe_product(crop_to_mask(image, everything)) if with_attributes else None
        weights = tuple(outfit_weight(garment) for garment in parsed.garments)
        return _Prepared(views, weights, float(everything.mean()), True, attributes)


def _single(view: GarmentView, share: float, removed: bool, with_attributes: bool) -> _Prepared:
    return _Prepared((view,), (1.0,), share, removed, describe_product(view) if with_attributes else None)


def _cut_mask(png: bytes, region: Region | None, shape: tuple[int, ...]) -> BoolMask:
    """Decodes a mask, cuts the region out of it and brings it to the size of the cut picture."""
    try:
        gray = cv2.cvtColor(decode_bgr(png), cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    except ImageError as error:
        raise MaskError(f"expected an 8-bit grey PNG; {error.description}") from error
    mask = cv2.resize(cut(gray, region), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) >= _MASK_INSIDE
    if not mask.any():
        raise MaskError("expected at least one pixel of 128 or more inside the region, got none")
    return np.asarray(mask)
