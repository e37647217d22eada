"""The use case of embedding pictures in batches, for catalogues."""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vision_svc.garments.analysis import GarmentAnalysis, outfit_weight
from vision_svc.garments.attributes import SPEC as DESCRIBE_SPEC
from vision_svc.garments.attributes import Attributes, describe_product, view_of
from vision_svc.garments.encoder import outfit_vector
from vision_svc.garments.fashion import FASHION
from vision_svc.garments.foreground import SPEC as FOREGROUND_SPEC
from vision_svc.garments.foreground import crop_to_mask, cut_out
from vision_svc.garments.mask import cut_mask
from vision_svc.garments.refine import with_pattern
from vision_svc.garments.region import Region
from vision_svc.garments.runs import Ran
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.types import ParsedImage
from vision_svc.garments.wearer import is_worn
from vision_svc.models.contract import ModelUse, Task
from vision_svc.models.registry import Registry
from vision_svc.people.types import ImageBgr

FloatArray = npt.NDArray[np.float32]


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
        mask_png: Embed only these pixels: an 8-bit grey PNG over all of the picture; None to find them out.
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
        models: The models that took part.
    """

    vector: FloatArray
    foreground_share: float
    background_removed: bool
    attributes: Attributes | None
    models: tuple[ModelUse, ...]


@dataclass(frozen=True)
class _Open:
    """A picture in which people are still to be looked for."""

    image: ImageBgr
    subject: Subject


@dataclass(frozen=True)
class _Prepared:
    """What of a picture is embedded: one garment, or several that make an outfit."""

    views: tuple[GarmentView, ...]
    weights: tuple[float, ...]
    share: float
    removed: bool
    attributes: Attributes | None
    models: tuple[ModelUse, ...]


class BatchEmbedding:
    """Embeds pictures; every item fails or succeeds alone."""

    def __init__(self, analysis: GarmentAnalysis, registry: Registry) -> None:
        self._analysis, self._registry, self._runs = analysis, registry, analysis.runs

    async def embed(self, items: Sequence[EmbedItem], *, with_attributes: bool) -> list[Embedded | Exception]:
        """Embeds pictures: all that need it go to the parser together, and all garments to the embedder.

        Args:
            items: The pictures.
            with_attributes: Also describe them.

        Returns:
            One result per item, in order: the vector, or what went wrong with this picture: an `ImageError` or a
            `MaskError` that tells what is wrong with it, or what a model raised on it.

        Raises:
            ResourceExhaustedError: Too much waits already.
            vision_svc.models.registry.ModelUnavailableError: A model is not ready.
        """
        opened = [await self._runs.attempt(self._open, item, with_attributes) for item in items]
        parses = iter(await self._runs.parse_each([(one.image, ()) for one in opened if isinstance(one, _Open)]))
        prepared = [
            await self._dress(one, next(parses), with_attributes) if isinstance(one, _Open) else one for one in opened
        ]
        views = [view for one in prepared if isinstance(one, _Prepared) for view in one.views]
        vectors = iter(await self._runs.embed_each(views))
        return [self._join(one, vectors) if isinstance(one, _Prepared) else one for one in prepared]

    def _join(self, one: _Prepared, vectors: Iterator[Ran[FloatArray] | Exception]) -> Embedded | Exception:
        ran = [next(vectors) for _ in one.views]
        own = [each.value for each in ran if not isinstance(each, Exception)]
        if len(own) < len(ran):
            return next(each for each in ran if isinstance(each, Exception))
        vector = own[0] if len(own) == 1 else outfit_vector(own, one.weights)
        use, attributes = self._registry.use(Task.GARMENT_EMBED), one.attributes
        if attributes is not None and len(own) == 1 and use.model == FASHION:
            attributes = with_pattern(attributes, vector, worn=False)
        return Embedded(vector, one.share, one.removed, attributes, (*one.models, use))

    def _open(self, item: EmbedItem, with_attributes: bool) -> _Open | _Prepared:
        image, size = self._analysis.decode(item.data, item.region)
        if item.mask_png is not None:
            mask = cut_mask(item.mask_png, size, item.region, image.shape[:2])
            return _single(crop_to_mask(image, mask), float(mask.mean()), True, (), with_attributes)
        if item.subject is not Subject.PRODUCT:
            return _Open(image, item.subject)
        return self._alone(image, (), with_attributes)

    async def _dress(
        self, one: _Open, ran: Ran[ParsedImage] | Exception, with_attributes: bool
    ) -> _Prepared | Exception:
        if isinstance(ran, Exception):
            return ran
        return await self._runs.attempt(self._worn, one, ran, with_attributes)

    def _alone(self, image: ImageBgr, models: tuple[ModelUse, ...], with_attributes: bool) -> _Prepared:
        """Cuts a garment out that nobody wears."""
        with self._registry.latency.measure(FOREGROUND_SPEC.task, FOREGROUND_SPEC.model):
            found = cut_out(image)
        models = (*models, ModelUse(FOREGROUND_SPEC.task, FOREGROUND_SPEC.model))
        return _single(found.view, found.share, found.found, models, with_attributes)

    def _worn(self, one: _Open, ran: Ran[ParsedImage], with_attributes: bool) -> _Prepared:
        """Takes the outfit of the person in a picture; a garment alone where nobody wears anything that we see."""
        image, parsed = one.image, ran.value
        if not parsed.garments or (one.subject is Subject.ANY and not is_worn(image, parsed)):
            return self._alone(image, ran.models, with_attributes)
        views = tuple(view_of(garment, image) for garment in parsed.garments)
        everything = np.zeros(image.shape[:2], np.bool_)
        for garment in parsed.garments:
            everything |= garment.full_mask(*image.shape[:2])
        weights = tuple(outfit_weight(garment) for garment in parsed.garments)
        whole = _single(crop_to_mask(image, everything), float(everything.mean()), True, ran.models, with_attributes)
        return replace(whole, views=views, weights=weights)


def _single(
    view: GarmentView, share: float, removed: bool, models: tuple[ModelUse, ...], with_attributes: bool
) -> _Prepared:
    if not with_attributes:
        return _Prepared((view,), (1.0,), share, removed, None, models)
    models = (*models, ModelUse(DESCRIBE_SPEC.task, DESCRIBE_SPEC.model))
    return _Prepared((view,), (1.0,), share, removed, describe_product(view), models)
