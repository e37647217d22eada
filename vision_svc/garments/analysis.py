"""The use cases of garments: look at a picture, embed pictures, embed words."""

from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from imaging.decode import DecodeLimits, check, decode_bgr
from vision_svc.garments.attributes import SPEC as DESCRIBE_SPEC
from vision_svc.garments.attributes import Attributes, describe_worn, view_of
from vision_svc.garments.close_up import close_up
from vision_svc.garments.encoder import TextEmbedder, TextVector, outfit_vector
from vision_svc.garments.fashion import FASHION
from vision_svc.garments.quality import Finding, judge
from vision_svc.garments.refine import refined
from vision_svc.garments.region import Region, cut, faces_in, wanted_side
from vision_svc.garments.runs import ModelRuns, Picture, Ran, Run, all_of
from vision_svc.garments.thumbnail import GarmentView
from vision_svc.garments.types import ParsedGarment, ParsedImage
from vision_svc.models.batching import QueueLimits
from vision_svc.models.contract import ModelUse, Task
from vision_svc.models.registry import Registry
from vision_svc.people.types import ImageBgr

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AnalysisOptions:
    """What to do with a picture.

    Attributes:
        region: Look only here: `(x0, y0, x1, y1)`, shares of width and height; None for the whole picture.
        attributes: Describe garments.
        embeddings: Make vectors of garments and of the outfit.
        min_score: Garments with a lower score are left out, 0-1.
        faces: Where faces were before they were blurred: `(x0, y0, x1, y1)`, shares of the whole picture.
    """

    region: Region | None = None
    attributes: bool = True
    embeddings: bool = True
    min_score: float = 0.3
    faces: tuple[Region, ...] = ()


@dataclass(frozen=True)
class SeenGarment:
    """A garment with all that is known of it; the vector is filled in when it was asked for."""

    parsed: ParsedGarment
    attributes: Attributes | None = None
    vector: FloatArray | None = None


@dataclass(frozen=True)
class Analysis:
    """What was seen in a picture.

    Attributes:
        width_px: Width of the picture as it came, upright.
        height_px: Its height.
        region: The part that was looked at, shares of the whole picture.
        parsed: What the parser found, in pixels of the part, shrunk.
        garments: The garments that are sure enough, top to bottom.
        outfit: Vector of the outfit; None without garments.
        findings: What makes the answer weaker.
        models: The models that took part.
        vector_model: The id of the model whose space the vectors are in; empty when none were asked for.
        processing_ms: Time spent on decoding and models, without waiting; of batches its share.
    """

    width_px: int
    height_px: int
    region: Region
    parsed: ParsedImage
    garments: tuple[SeenGarment, ...]
    findings: tuple[Finding, ...]
    models: tuple[ModelUse, ...]
    processing_ms: float
    outfit: FloatArray | None = None
    vector_model: str = ""


@dataclass(frozen=True)
class _Look:
    """The first half of an analysis: all but vectors; of what they are made: garments, and close-ups of all or none."""

    analysis: Analysis
    views: tuple[GarmentView, ...]
    close_ups: tuple[GarmentView, ...]


class GarmentAnalysis:
    """Looks at pictures. One per process; for use from the event loop.

    Attributes:
        runs: Runs the models.
    """

    def __init__(
        self,
        registry: Registry,
        run: Run,
        *,
        limits: DecodeLimits,
        max_side_px: int,
        max_batch: int = 32,
        queue: QueueLimits | None = None,
    ) -> None:
        """Joins models and executor.

        Args:
            registry: Where the models are.
            run: Runs blocking work.
            limits: What pictures are taken.
            max_side_px: Longer side that pictures are shrunk to before anything else.
            max_batch: Largest batch of parser and embedder.
            queue: How much may wait for each of them.
        """
        self._registry = registry
        self._limits, self._max_side_px = limits, max_side_px
        self.runs = ModelRuns(registry, run, max_batch=max_batch, limits=queue)

    async def analyze(self, data: bytes, options: AnalysisOptions) -> Analysis:
        """Finds, describes and embeds the garments in an encoded picture.

        Cancelling it takes it out of the queues; what a thread works on already runs to its end.

        Raises:
            imaging.errors.ImageError: The picture is refused.
            vision_svc.models.registry.ModelUnavailableError: A model is not ready.
        """
        look = await self._look(data, options)
        if not options.embeddings:
            return look.analysis
        use, count = self._registry.use(Task.GARMENT_EMBED), len(look.views)
        ran = all_of(await self.runs.embed_each((*look.views, *look.close_ups)))
        vectors, closer = ([one.value for one in part] for part in (ran[:count], ran[count:]))
        garments = tuple(
            _with_vector(garment, view, vector, near, readable=use.model == FASHION)
            for garment, view, vector, near in zip_longest(look.analysis.garments, look.views, vectors, closer)
        )
        return replace(
            look.analysis,
            garments=garments,
            outfit=outfit_vector(vectors, [outfit_weight(g.parsed) for g in garments]) if garments else None,
            models=(*look.analysis.models, use),
            vector_model=use.model,
            processing_ms=look.analysis.processing_ms + sum(one.ms for one in ran),
        )

    async def embed_text(self, text: str) -> tuple[TextVector, ModelUse]:
        """Puts words into the space of the garments.

        Raises:
            vision_svc.models.registry.ModelUnavailableError: The model is not ready.
        """
        embedder: TextEmbedder = self._registry.get(Task.TEXT_EMBED)
        use = self._registry.use(Task.TEXT_EMBED)
        found = (await self.runs.model_job(Task.TEXT_EMBED, embedder.embed_text, text)).value
        reason = "; ".join(filter(None, (use.degraded_reason, found.weak_reason)))
        return found, replace(use, degraded_reason=reason)

    def decode(self, data: bytes, region: Region | None) -> tuple[ImageBgr, tuple[int, int]]:
        """Decodes a picture and cuts the region out; returns pixels and `(width, height)` of the whole, upright."""
        header = check(data, self._limits)
        size = (header.width_px, header.height_px)
        whole = decode_bgr(data, limits=self._limits, max_side_px=wanted_side(self._max_side_px, region))
        return cut(whole, region), size[::-1] if header.orientation >= 5 else size

    async def _look(self, data: bytes, options: AnalysisOptions) -> _Look:
        """Decodes, parses and describes: in one job, or in three where the parser works on batches of many callers."""
        if not self.runs.parses_in_batches:
            at_once = await self.runs.job(self._look_alone, data, options)
            return _that_took(at_once.ms, at_once.value)
        opened = await self.runs.job(self.decode, data, options.region)
        image, size = opened.value
        (parsed,) = all_of(await self.runs.parse_each([_picture(image, options)]))
        told = await self.runs.job(self._tell, image, size, parsed, options)
        return _that_took(opened.ms + parsed.ms + told.ms, told.value)

    def _look_alone(self, data: bytes, options: AnalysisOptions) -> _Look:
        image, size = self.decode(data, options.region)
        return self._tell(image, size, self.runs.parse_now(_picture(image, options)), options)

    def _tell(self, image: ImageBgr, size: tuple[int, int], ran: Ran[ParsedImage], options: AnalysisOptions) -> _Look:
        """Describes what was parsed."""
        parsed = ran.value
        kept = [garment for garment in parsed.garments if garment.score >= options.min_score]
        garments = tuple(SeenGarment(g, self._describe(g, image, parsed) if options.attributes else None) for g in kept)
        described = (ModelUse(DESCRIBE_SPEC.task, DESCRIBE_SPEC.model),) if options.attributes else ()
        analysis = Analysis(
            *size, options.region or (0.0, 0.0, 1.0, 1.0), parsed, garments,
            judge(image, parsed.persons), (*ran.models, *parsed.stand_ins, *described), 0.0,
        )  # fmt: skip
        views = tuple(view_of(garment, image) for garment in kept) if options.embeddings else ()
        # Only this model's vectors can be read for patterns, and only the description has use for those.
        closer = bool(views) and options.attributes and self._registry.use(Task.GARMENT_EMBED).model == FASHION
        return _Look(analysis, views, tuple(map(close_up, views)) if closer else ())

    def _describe(self, garment: ParsedGarment, image: ImageBgr, parsed: ParsedImage) -> Attributes:
        person = parsed.persons[0] if parsed.persons else None
        with self._registry.latency.measure(DESCRIBE_SPEC.task, DESCRIBE_SPEC.model):
            return describe_worn(garment, image, person, parsed.garments)


def _picture(image: ImageBgr, options: AnalysisOptions) -> Picture:
    return image, faces_in(options.faces, options.region, image)


def _that_took(spent_ms: float, look: _Look) -> _Look:
    return replace(look, analysis=replace(look.analysis, processing_ms=spent_ms))


def _with_vector(
    garment: SeenGarment, view: GarmentView, vector: FloatArray, closer: FloatArray | None, *, readable: bool
) -> SeenGarment:
    """Adds the vector, and what it and that of a close-up tell of the garment where they can be read."""
    known = garment.parsed, garment.attributes
    return SeenGarment(*(refined(*known, view, vector, closer) if readable else known), vector)


def outfit_weight(garment: ParsedGarment) -> float:
    """Returns how much of an outfit a garment is: what is large and sure counts more, small things still count."""
    return float(np.sqrt(max(garment.coverage, 0.0)) * garment.score)
