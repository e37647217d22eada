"""From the tastes of a user to the contract's messages."""

from __future__ import annotations

from vitrine.profile.v1 import taste_pb2

from profile_svc.servicers.taste_output import axis_deltas, embedding, radar, radar_of, timestamp
from profile_svc.taste.axes import AXES
from profile_svc.taste.tastes import Drift, Taste
from profile_svc.use_cases.tastes import OVERALL, TastesView


def tastes(user_id: str, view: TastesView) -> list[taste_pb2.Taste]:
    """Returns the tastes of a user as messages, the overall one first; none before the first sighting."""
    if not view.overall.state.count:
        return []
    return [_overall(user_id, view), *(_taste(user_id, item, view) for item in view.tastes)]


def _overall(user_id: str, view: TastesView) -> taste_pb2.Taste:
    row = view.overall
    vector = row.state.vectors.get(view.model)
    message = taste_pb2.Taste(
        name=f"users/{user_id}/tastes/{OVERALL}",
        label=OVERALL,
        weight=1.0,
        radar=radar_of(row),
        embedding=None if vector is None else embedding(view.model, vector.values),
        sighting_count=row.state.count,
        last_seen_time=timestamp(row.update_time),
    )
    _put_drift(message, view.overall_drift)
    return message


def _taste(user_id: str, item: Taste, view: TastesView) -> taste_pb2.Taste:
    last, count = view.told[item.newest.event_id], len(item.outfits)
    message = taste_pb2.Taste(
        name=f"users/{user_id}/tastes/{item.taste_id}",
        label=item.label,
        weight=item.weight,
        radar=radar(item.axes, count, sum(o.garments for o in item.outfits), last.sequence, last.record_time),
        embedding=None if item.vector is None else embedding(view.model, item.vector),
        sighting_count=count,
        example_event_ids=item.examples,
        last_seen_time=timestamp(last.observe_time),
    )
    _put_drift(message, item.drift)
    return message


def _put_drift(message: taste_pb2.Taste, drift: Drift | None) -> None:
    if drift is None:
        return
    if drift.cosine_distance is not None:
        message.drift = drift.cosine_distance
    names = (axis.name for axis in AXES)
    message.drift_deltas.extend(axis_deltas(dict(zip(names, drift.axes, strict=True))))
