"""All models of vision, registered: add a model here, and nowhere else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vision_svc import trials
from vision_svc.garments import attributes, encoder, fashion, fashion_words, foreground, parse_trained
from vision_svc.garments.parse import MODEL_ID as GEOMETRY
from vision_svc.garments.parse import PoseGeometryParser
from vision_svc.garments.parse_net import ParseNet
from vision_svc.hub.source import HubSource
from vision_svc.models.contract import ModelSpec, Task
from vision_svc.models.latency import LatencyRecorder
from vision_svc.models.litert import TimedModel, litert_spec
from vision_svc.models.registry import Registry
from vision_svc.people.finder import PersonFinder
from vision_svc.people.pose import DETECTION_MODEL, LANDMARK_MODEL, PoseEstimator
from vision_svc.people.silhouette import LANDSCAPE_MODEL, SQUARE_MODEL, Silhouette
from vision_svc.settings import VisionSettings

_PEOPLE = (
    (Task.PERSON_DETECT, DETECTION_MODEL, "Finds people and how they are turned (BlazePose detector)."),
    (Task.PERSON_POSE, LANDMARK_MODEL, "33 joints of a person with their visibility (BlazePose, full)."),
    (Task.PERSON_MASK, SQUARE_MODEL, "The pixels of people, for upright and square pictures."),
    (Task.PERSON_MASK_LANDSCAPE, LANDSCAPE_MODEL, "The pixels of people, for wide pictures."),
)
_GEOMETRY_SPEC = ModelSpec(
    task=Task.GARMENT_PARSE,
    model=GEOMETRY,
    backend="geometry",
    license="Apache-2.0",
    source="vitrine",
    description="Garments from pose, person mask and the colours down the body; no bags, hats or accessories.",
)


def make_registry(settings: VisionSettings, latency: LatencyRecorder) -> Registry:
    """Registers every model and selects what the settings choose; nothing is loaded yet.

    Raises:
        ValueError: The settings choose a hub backend and do not say which model.
    """
    registry = Registry(latency)
    _register_people(registry, settings.models_dir)
    for spec in (attributes.SPEC, foreground.SPEC):
        registry.register(spec, lambda: None, trials.try_describing)
        registry.select(spec.task, spec.model)
    _register_parsers(registry, settings)
    _register_embedders(registry, settings)
    return registry


def _register_people(registry: Registry, models_dir: Path) -> None:
    for task, name, description in _PEOPLE:
        spec = litert_spec(task, name, description)
        registry.register(spec, lambda spec=spec, name=name: TimedModel(spec, name, models_dir, registry.latency))  # type: ignore[misc]
        registry.select(task, spec.model)


def _finder(registry: Registry) -> PersonFinder:
    """Joins the people models, which are loaded before the parsers: tasks load in the order of their selection."""
    detect, pose, square, landscape = (registry.get(task) for task, _, _ in _PEOPLE)
    return PersonFinder(PoseEstimator(detect, pose), Silhouette(square, landscape))


def _register_parsers(registry: Registry, settings: VisionSettings) -> None:
    registry.register(_GEOMETRY_SPEC, lambda: PoseGeometryParser(_finder(registry)), trials.try_parser)
    registry.register(
        parse_trained.SPEC,
        lambda: parse_trained.TrainedParser(_finder(registry), ParseNet.load()),
        trials.try_trained_parser,
    )
    if settings.garment_parser == "geometry":
        registry.select(Task.GARMENT_PARSE, GEOMETRY)
    if settings.garment_parser == "trained":
        registry.select(Task.GARMENT_PARSE, parse_trained.MODEL_ID, GEOMETRY)
    if settings.garment_parser != "hub":
        return
    from vision_svc.hub.segformer import SegFormerParser, segformer_spec  # noqa: PLC0415 - only where it is asked for

    source = _source(settings, settings.garment_parser_hub, settings.garment_parser_revision, "garment_parser_hub")
    registry.register(
        segformer_spec(source), lambda: SegFormerParser(source, _finder(registry).find), trials.try_labeller
    )
    registry.select(Task.GARMENT_PARSE, source.model_id, parse_trained.MODEL_ID if settings.hub_fallback else "")


def _register_embedders(registry: Registry, settings: VisionSettings) -> None:
    registry.register(encoder.SPEC, encoder.HandMadeEmbedder, trials.try_embedder)
    registry.register(encoder.TEXT_SPEC, encoder.PrototypeTextEmbedder, trials.try_words)
    registry.register(fashion.SPEC, fashion.FashionEmbedder, trials.try_embedder)
    # The words follow the pictures: when those fall back, the words must too, or they would live in two spaces.
    registry.register(
        fashion_words.TEXT_SPEC, lambda: _following(registry, fashion_words.FashionTextEmbedder), trials.try_words
    )
    if settings.garment_embedder != "hub":
        trained = settings.garment_embedder == "trained"
        for task in (Task.GARMENT_EMBED, Task.TEXT_EMBED):
            registry.select(
                task, fashion.FASHION if trained else encoder.HAND_MADE, encoder.HAND_MADE if trained else ""
            )
        return
    from vision_svc.hub.clip import ClipEmbedder, ClipTextEmbedder, clip_spec  # noqa: PLC0415

    source = _source(
        settings, settings.garment_embedder_hub, settings.garment_embedder_revision, "garment_embedder_hub"
    )
    registry.register(clip_spec(source, Task.GARMENT_EMBED), lambda: ClipEmbedder(source), trials.try_both)
    registry.register(clip_spec(source, Task.TEXT_EMBED), lambda: ClipTextEmbedder(_own(registry, source.model_id)))
    fallback = fashion.FASHION if settings.hub_fallback else ""
    registry.select(Task.GARMENT_EMBED, source.model_id, fallback)
    registry.select(Task.TEXT_EMBED, source.model_id, fallback)


def _following(registry: Registry, load: Callable[[], fashion_words.FashionTextEmbedder]) -> Any:  # noqa: ANN401
    _own(registry, fashion.FASHION)
    return load()


def _own(registry: Registry, model: str) -> Any:  # noqa: ANN401 - its type is only importable with the extra
    if registry.answering(Task.GARMENT_EMBED) != model:
        raise ValueError("its image side is not loaded")
    return registry.get(Task.GARMENT_EMBED)


def _source(settings: VisionSettings, location: str, revision: str, field: str) -> HubSource:
    if not location:
        raise ValueError(f"VITRINE_{field.upper()} must name a hub id or a folder, got nothing")
    return HubSource(location, revision, settings.hub_device)
