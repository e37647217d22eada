"""Requests that are good but for what a test changes in them."""

from __future__ import annotations

from typing import Any

from vitrine.embedded.mesh import EmbeddedMesh

from mesh.contract import Access
from tests.mesh import pictures
from tests.mesh.answers import Failure
from tests.mesh.contract import RPCS, Json

CREATE, SEARCH, MATCH, UPSERT, PROFILE = (
    "CaptureService/CreateCapture", "SearchService/SearchProducts", "SearchService/MatchGarments",
    "CatalogService/UpsertProducts", "ProfileService/UpdateProfile",
)  # fmt: skip
WHOLE = {"alreadyCropped": True}
BOX = {"xMin": 0.1, "yMin": 0.1, "xMax": 0.9, "yMax": 0.9}
ME: Json = {"name": "users/ada/profile"}


def invalid(*fields: str, reason: str = "INVALID_FIELD") -> Failure:
    return Failure("INVALID_ARGUMENT", reason, fields)


def image(data: bytes) -> Json:
    return {"data": pictures.text_of(data)}


GOOD = image(pictures.photo())


def product(**changes: Any) -> Json:
    good = {"title": "Bad", "category": "shirt", "price": {"currencyCode": "EUR", "units": "9"}}
    return {"name": "products/bad", **good, **changes}


def upsert(*entries: Json) -> Json:
    return {"products": list(entries)}


def capture(**changes: Any) -> Json:
    return {"parent": "users/ada", "kind": "CAPTURE_KIND_OUTFIT", "image": GOOD, "cropping": WHOLE, **changes}


def euros(units: int, **changes: Any) -> Json:
    return {"currencyCode": "EUR", "units": str(units), **changes}


def token_for(mesh: EmbeddedMesh, name: str, user: str = "ada") -> str:
    return mesh.keys.token(user, ["operator"] if RPCS[name].rule.access is Access.OPERATOR else [])
