"""Requests that the tests send."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from vitrine.profile.v1 import profile_service_pb2 as pb
from vitrine.type.v1 import color_pb2, garment_pb2, model_pb2


def embedding(seed: int, *, dimension: int = 16, model: str = "m/1") -> model_pb2.Embedding:
    values = np.random.default_rng(seed).normal(size=dimension)
    return model_pb2.Embedding(values=(values / np.linalg.norm(values)).tolist(), model=model)


def garment(garment_id: str = "g0", *, formality: float = 80, seed: int = 1) -> garment_pb2.Garment:
    return garment_pb2.Garment(
        garment_id=garment_id,
        bucket=garment_pb2.GARMENT_BUCKET_OUTERWEAR,
        category="coat",
        score=0.9,
        attributes=garment_pb2.GarmentAttributes(
            colors=[color_pb2.Color(name="navy", hex="#1f2a44", lab=color_pb2.LabColor(l=17, a=3, b=-17), share=1.0)],
            pattern="plain",
            silhouette=garment_pb2.SILHOUETTE_REGULAR,
            style=garment_pb2.StyleScores(formality=formality, structure=90, minimalism=75),
            confidence={"style": 0.8, "colors": 0.9},
        ),
        embedding=embedding(seed),
    )


def sighting(
    user_id: str, event_id: str, garments: Sequence[garment_pb2.Garment] | None = None
) -> pb.RecordSightingRequest:
    return pb.RecordSightingRequest(
        parent=f"users/{user_id}",
        event_id=event_id,
        capture=f"users/{user_id}/captures/{event_id}",
        outfit=pb.OutfitSighting(garments=[garment()] if garments is None else garments),
    )
