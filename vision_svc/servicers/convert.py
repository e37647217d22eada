"""Between our dataclasses and the messages of the contract."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from vitrine.type.v1 import color_pb2, garment_pb2, geometry_pb2, model_pb2
from vitrine.vision.v1 import garment_service_pb2, quality_pb2

from vision_svc.garments.analysis import Analysis, AnalysisOptions, SeenGarment
from vision_svc.garments.attributes import Attributes
from vision_svc.garments.colors import DominantColor
from vision_svc.garments.outline import outlines
from vision_svc.garments.quality import Finding, visible_share
from vision_svc.garments.region import Region
from vision_svc.models.contract import ModelUse
from vision_svc.people.types import BoolMask, FloatArray, Person

Part = int  # a value of AnalysisPart
ALL_PARTS: frozenset[Part] = frozenset(
    {
        garment_service_pb2.ANALYSIS_PART_MASKS,
        garment_service_pb2.ANALYSIS_PART_OUTLINES,
        garment_service_pb2.ANALYSIS_PART_ATTRIBUTES,
        garment_service_pb2.ANALYSIS_PART_EMBEDDINGS,
    }
)
# Masks are for drawing over a picture on a screen: more than this on the longer side is only bytes.
_MASK_SIDE_PX = 320
# Fastest level that still packs flat areas well.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 3]


def region_of(box: geometry_pb2.NormalizedBox | None) -> Region | None:
    """Reads a box."""
    return (box.x_min, box.y_min, box.x_max, box.y_max) if box is not None else None


def options_of(
    parts: Iterable[Part], min_score: float, region: Region | None, faces: Iterable[geometry_pb2.NormalizedBox] = ()
) -> tuple[AnalysisOptions, frozenset[Part]]:
    """Reads what an analysis shall do and what its answer shall hold; no parts mean all of them."""
    wanted: frozenset[Part] = frozenset(parts) or ALL_PARTS
    options = AnalysisOptions(
        region,
        attributes=garment_service_pb2.ANALYSIS_PART_ATTRIBUTES in wanted,
        embeddings=garment_service_pb2.ANALYSIS_PART_EMBEDDINGS in wanted,
        min_score=min_score,
        faces=tuple((box.x_min, box.y_min, box.x_max, box.y_max) for box in faces),
    )
    return options, wanted


def analysis_message(analysis: Analysis, parts: frozenset[Part]) -> garment_service_pb2.ImageAnalysis:
    """Writes an analysis; costs some milliseconds where masks are wanted, so call it off the event loop."""
    frame = _Frame(analysis.region, analysis.parsed.width_px, analysis.parsed.height_px)
    persons = analysis.parsed.persons
    garments = [
        _garment(index, garment, analysis.vector_model, parts, frame) for index, garment in enumerate(analysis.garments)
    ]
    return garment_service_pb2.ImageAnalysis(
        garments=garments,
        outfit_embedding=embedding_message(analysis.outfit, analysis.vector_model),
        person_count=len(persons),
        person=_person(persons[0], parts, frame) if persons else None,
        width_px=analysis.width_px,
        height_px=analysis.height_px,
        models=[model_use_message(use) for use in analysis.models],
        findings=[finding_message(finding) for finding in analysis.findings],
        processing_ms=analysis.processing_ms,
    )


def embedding_message(vector: npt.NDArray[np.float32] | None, model: str) -> model_pb2.Embedding | None:
    """Writes a vector; none where there is none."""
    return model_pb2.Embedding(values=vector.tolist(), model=model) if vector is not None else None


def model_use_message(use: ModelUse) -> model_pb2.ModelUse:
    """Writes which model spoke."""
    return model_pb2.ModelUse(
        task=use.task, model=use.model, degraded=bool(use.degraded_reason), degraded_reason=use.degraded_reason
    )


def finding_message(finding: Finding) -> quality_pb2.QualityFinding:
    """Writes what is wrong with a picture."""
    return quality_pb2.QualityFinding(
        issue=quality_pb2.QualityIssue.ValueType(finding.issue.value),
        severity=quality_pb2.QualitySeverity.ValueType(finding.severity.value),
        description=finding.description,
        advice=finding.advice,
        measured=finding.measured,
        limit=finding.limit,
    )


def attributes_message(attributes: Attributes) -> garment_pb2.GarmentAttributes:
    """Writes what a garment looks like."""
    return garment_pb2.GarmentAttributes(
        colors=[_color(color) for color in attributes.colors],
        pattern=attributes.pattern.word,
        pattern_score=attributes.pattern.score,
        silhouette=garment_pb2.Silhouette.ValueType(attributes.silhouette.value),
        style=garment_pb2.StyleScores(
            formality=attributes.style.formality,
            structure=attributes.style.structure,
            minimalism=attributes.style.minimalism,
        ),
        confidence=attributes.confidence,
        sleeve_length=attributes.lengths.sleeves.word,
        length=attributes.lengths.hem.word,
    )


class _Frame:
    """Turns pixels of the analysed part into shares of the whole picture."""

    def __init__(self, region: Region, width_px: int, height_px: int) -> None:
        x0, y0, x1, y1 = region
        self._origin = np.array([x0, y0])
        self._scale = np.array([(x1 - x0) / width_px, (y1 - y0) / height_px])

    def points(self, xy: FloatArray) -> npt.NDArray[np.float64]:
        """Turns points, `(N, 2)`."""
        shares: npt.NDArray[np.float64] = np.clip(self._origin + xy * self._scale, 0.0, 1.0)
        return shares

    def box(self, xyxy: Sequence[float]) -> geometry_pb2.NormalizedBox:
        """Turns a box."""
        (x0, y0), (x1, y1) = self.points(np.asarray(xyxy, np.float32).reshape(2, 2))
        return geometry_pb2.NormalizedBox(x_min=x0, y_min=y0, x_max=x1, y_max=y1)

    def polygons(self, shapes: Iterable[FloatArray]) -> list[geometry_pb2.Polygon]:
        """Turns polygons."""
        return [
            geometry_pb2.Polygon(points=[geometry_pb2.NormalizedPoint(x=x, y=y) for x, y in self.points(shape)])
            for shape in shapes
        ]


def _garment(
    index: int, seen: SeenGarment, vector_model: str, parts: frozenset[Part], frame: _Frame
) -> garment_pb2.Garment:
    parsed = seen.parsed
    box = frame.box(parsed.box_xyxy)
    masks = garment_service_pb2.ANALYSIS_PART_MASKS in parts
    drawn = garment_service_pb2.ANALYSIS_PART_OUTLINES in parts
    return garment_pb2.Garment(
        garment_id=f"g{index}",
        bucket=garment_pb2.GarmentBucket.ValueType(parsed.bucket.value),
        category=parsed.category,
        score=parsed.score,
        box=box,
        mask=_mask(parsed.mask, box) if masks else None,
        outlines=frame.polygons(parsed.outlines) if drawn else (),
        attributes=attributes_message(seen.attributes) if seen.attributes is not None else None,
        embedding=embedding_message(seen.vector, vector_model),
    )


def _mask(mask: BoolMask, box: geometry_pb2.NormalizedBox) -> geometry_pb2.Mask:
    height, width = mask.shape
    scale = min(1.0, _MASK_SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    gray = cv2.resize(mask.astype(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    _, png = cv2.imencode(".png", gray, _PNG)
    return geometry_pb2.Mask(box=box, width_px=size[0], height_px=size[1], png=png.tobytes())


def _person(person: Person, parts: frozenset[Part], frame: _Frame) -> garment_service_pb2.SeenPerson:
    drawn = garment_service_pb2.ANALYSIS_PART_OUTLINES in parts
    return garment_service_pb2.SeenPerson(
        box=frame.box(person.box_xyxy.tolist()),
        score=person.score,
        visible_share=visible_share(person),
        outlines=frame.polygons(outlines(person.mask, (0, 0))) if drawn else (),
    )


def _color(color: DominantColor) -> color_pb2.Color:
    lightness, a, b = color.lab
    return color_pb2.Color(
        name=color.name, hex=color.hex, lab=color_pb2.LabColor(l=lightness, a=a, b=b), share=color.share
    )
