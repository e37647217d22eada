"""From taste events and axes to the contract's messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from google.protobuf.timestamp_pb2 import Timestamp
from vitrine.profile.v1 import taste_pb2
from vitrine.type.v1 import color_pb2, garment_pb2, model_pb2

from profile_svc.servicers.sighting_input import BUCKETS, SILHOUETTES
from profile_svc.storage.states import StateRow
from profile_svc.storage.taste import EventRow
from profile_svc.taste.axes import AXES
from profile_svc.taste.change import Attribution, towards
from profile_svc.taste.evidence import SeenEmbedding, SeenGarment

_BUCKET_VALUES = {name: value for value, name in BUCKETS.items()}
_SILHOUETTE_VALUES = {name: value for value, name in SILHOUETTES.items()}


def timestamp(moment: dt.datetime | None) -> Timestamp | None:
    """Returns a time as a message; None stays None."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def radar(
    axes: tuple[float, ...], count: int, garments: int, sequence: int, update_time: dt.datetime | None
) -> taste_pb2.Radar:
    """Returns the five axes as a message.

    Args:
        axes: Scores in the order of `AXES`.
        count: Sightings behind them.
        garments: Garments that moved them.
        sequence: Number of the last taste event in them.
        update_time: When that was recorded.
    """
    scores = [
        taste_pb2.AxisScore(axis=axis.name, score=score, low_pole=axis.low, high_pole=axis.high)
        for axis, score in zip(AXES, axes, strict=True)
    ]
    return taste_pb2.Radar(
        axes=scores, sighting_count=count, garment_count=garments, sequence=sequence, update_time=timestamp(update_time)
    )


def radar_of(row: StateRow) -> taste_pb2.Radar:
    """Returns the five axes of a stored taste."""
    return radar(row.state.axes, row.state.count, row.state.garments, row.sequence, row.update_time)


def taste_change(event: EventRow) -> taste_pb2.TasteChange:
    """Returns what an event did."""
    change = event.change
    before_time = dt.datetime.fromisoformat(change.before_time) if change.before_time else None
    deltas = dict(zip((axis.name for axis in AXES), change.deltas(), strict=True))
    return taste_pb2.TasteChange(
        event_id=event.undoes or event.event_id,
        capture=event.source if "/captures/" in event.source else "",
        stream=event.source if "/streams/" in event.source else "",
        sequence=event.sequence,
        undo=bool(event.undoes),
        first=change.first,
        before=radar(
            change.before_axes, change.before_count, change.before_garments, change.before_sequence, before_time
        ),
        after=radar(change.after_axes, change.after_count, change.after_garments, event.sequence, event.record_time),
        deltas=axis_deltas(deltas),
        attributions=[_attribution(item) for item in change.attributions],
        observe_time=timestamp(event.observe_time),
        record_time=timestamp(event.record_time),
    )


def embedding(model: str, values: npt.NDArray[np.floating]) -> model_pb2.Embedding:
    """Returns a vector as a message."""
    return model_pb2.Embedding(values=values.tolist(), model=model)


def taste_event(event: EventRow) -> taste_pb2.TasteEvent:
    """Returns an entry of the log, whole, for an export."""
    kind = taste_pb2.TasteEvent.KIND_UNDO if event.undoes else taste_pb2.TasteEvent.KIND_SIGHTING
    seen = event.sighting
    return taste_pb2.TasteEvent(
        event_id=event.event_id,
        sequence=event.sequence,
        kind=kind,
        undone_event_id=event.undoes,
        capture=event.source if "/captures/" in event.source else "",
        stream=event.source if "/streams/" in event.source else "",
        garments=[] if seen is None else [_garment(garment) for garment in seen.garments],
        global_embedding=None if seen is None else _optional(seen.global_embedding),
        change=taste_change(event),
        observe_time=timestamp(event.observe_time),
        record_time=timestamp(event.record_time),
    )


def axis_deltas(deltas: Mapping[str, float]) -> list[taste_pb2.AxisDelta]:
    """Returns moves by axis as messages."""
    return [taste_pb2.AxisDelta(axis=name, delta=delta, towards=towards(name, delta)) for name, delta in deltas.items()]


def _attribution(item: Attribution) -> taste_pb2.GarmentAttribution:
    return taste_pb2.GarmentAttribution(
        garment_id=item.garment_id,
        bucket=_BUCKET_VALUES[item.bucket],
        category=item.category,
        color_name=item.color_name,
        deltas=axis_deltas(item.deltas),
        summary=item.summary,
        repeat_of_event_id=item.repeat_of,
    )


def _optional(item: SeenEmbedding | None) -> model_pb2.Embedding | None:
    return None if item is None else embedding(item.model, item.values)


def _garment(garment: SeenGarment) -> taste_pb2.SeenGarment:
    style = garment.style
    return taste_pb2.SeenGarment(
        garment_id=garment.garment_id,
        bucket=_BUCKET_VALUES[garment.bucket],
        category=garment.category,
        score=garment.score,
        attributes=garment_pb2.GarmentAttributes(
            colors=[
                color_pb2.Color(
                    name=color.name,
                    hex=color.hex,
                    lab=color_pb2.LabColor(l=color.lab[0], a=color.lab[1], b=color.lab[2]),
                    share=color.share,
                )
                for color in garment.colors
            ],
            pattern=garment.pattern,
            pattern_score=garment.pattern_score,
            silhouette=_SILHOUETTE_VALUES[garment.silhouette],
            style=None
            if style is None
            else garment_pb2.StyleScores(
                formality=style.formality, structure=style.structure, minimalism=style.minimalism
            ),
            confidence=dict(garment.confidence),
        ),
        embedding=_optional(garment.embedding),
    )
