"""Rules that the contract cannot state: of texts and numbers that no store could keep, and of products."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from vitrine.retrieval.v1 import product_pb2
from vitrine.type.v1 import color_pb2

from mesh.errors import FieldViolation, InvalidInputError

_HEX = re.compile(r"(#[0-9a-fA-F]{6})?")
_WALKED_LISTS = (FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_MESSAGE)


def refuse(violations: Sequence[FieldViolation]) -> None:
    """Raises when there is something to refuse.

    Raises:
        InvalidInputError: INVALID_FIELD with every field.
    """
    if violations:
        first = violations[0]
        raise InvalidInputError(f"{first.field}: {first.description}", "INVALID_FIELD", {}, tuple(violations))


def check_values(message: Message) -> None:
    """Refuses what PostgreSQL cannot keep, and JSON does not know.

    Args:
        message: A request.

    Raises:
        InvalidInputError: When a text has a NUL character, or a number is not finite.
    """
    refuse(list(_unstorable(message, "")))


def product_violations(product: product_pb2.Product, path: str = "") -> list[FieldViolation]:
    """Returns what is wrong with a product that keeps the rules of the contract.

    Args:
        product: The product.
        path: Where it stands in the request, with a dot at the end; empty for paths in the product.
    """
    found = list(_unstorable(product, path))
    found += [
        FieldViolation(f"{path}{name}", "must have a word, got blanks only")
        for name in ("title", "category")
        if not getattr(product, name).strip()
    ]
    for place, color in enumerate(product.colors):
        found += _color_violations(color, f"{path}colors[{place}].")
    return found


def _color_violations(color: color_pb2.Color, path: str) -> Iterator[FieldViolation]:
    if not (color.name.strip() or color.hex or color.HasField("lab")):
        yield FieldViolation(f"{path}name", "is required, got nothing")
    if not _HEX.fullmatch(color.hex):
        yield FieldViolation(f"{path}hex", f"must be #rrggbb, or nothing, got {color.hex[:20]!r}")
    if math.isfinite(color.share) and not 0.0 <= color.share <= 1.0:
        yield FieldViolation(f"{path}share", f"must be from 0 to 1, got {color.share:g}")


def _unstorable(message: Message, path: str) -> Iterator[FieldViolation]:
    """Walks through all fields that are set. Lists of numbers are vectors, whose rules the contract states."""
    for field, value in message.ListFields():
        name = f"{path}{field.name}"
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from _in_value(key, f"{name}[{json.dumps(key)}]")
                yield from _in_value(item, f"{name}[{json.dumps(key)}]")
        elif not field.is_repeated:
            yield from _in_value(value, name)
        elif field.cpp_type in _WALKED_LISTS:
            for place, item in enumerate(value):
                yield from _in_value(item, f"{name}[{place}]")


def _in_value(value: object, name: str) -> Iterator[FieldViolation]:
    if isinstance(value, Message):
        yield from _unstorable(value, f"{name}.")
    elif isinstance(value, str) and "\0" in value:
        yield FieldViolation(name, "must not have a NUL character")
    elif isinstance(value, float) and not math.isfinite(value):
        yield FieldViolation(name, f"must be a finite number, got {value}")
