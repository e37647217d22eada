"""Every reason that the code names is in the contract, and its comment names a code that exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.rpc import code_pb2
from vitrine.type.v1 import error_reason_pb2

from mesh import errors
from mesh.status import CODES

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
PACKAGES = [
    "mesh",
    "imaging",
    "ingest_svc",
    "vision_svc",
    "retrieval_svc",
    "profile_svc",
    "edge_proxy",
    "clients/python",
]
PREFIX = "ERROR_REASON_"
NAMES: list[str] = list(error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name)
REASONS = {name.removeprefix(PREFIX) for name in NAMES} - {"UNSPECIFIED"}
# Classes of errors whose second positional argument, or argument `reason`, is a reason; ImageError has it first.
TREE: list[type[errors.VitrineError]] = [errors.VitrineError, *errors.VitrineError.__subclasses__()]
CLASSES = {cls.__name__ for cls in TREE}
PROTO = ROOT / "protos/vitrine/type/v1/error_reason.proto"


def published_codes() -> dict[str, str]:
    """The canonical code of each reason, as its comment states."""
    pairs = re.findall(r"// (\w+): [^\n]*\n(?:\s*//[^\n]*\n)*\s*ERROR_REASON_(\w+) =", PROTO.read_text())
    return {reason: code for code, reason in pairs}


def named_reasons() -> Iterator[tuple[str, str, str]]:
    """Yields (place, class, reason) for every error that the sources raise with a literal reason."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call):
                    for cls, reason in _reason(node):
                        yield f"{file.relative_to(ROOT)}:{node.lineno}", cls, reason


def _reason(call: ast.Call) -> Iterator[tuple[str, str]]:
    name = ast.unparse(call.func).split(".")
    made_of = name[-1] == "of" and len(name) > 1 and name[-2] in CLASSES
    cls = name[-2] if made_of else name[-1]
    if cls not in CLASSES and cls != "ImageError":
        return
    position = 2 if made_of else 0 if cls == "ImageError" else 1
    candidates = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
    candidates += call.args[position : position + 1]
    for value in candidates:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield cls, value.value


FOUND = list(named_reasons())


def test_the_search_finds_what_it_must() -> None:
    assert len(FOUND) > 30
    assert {"TOKEN_MISSING", "INVALID_PAGE_TOKEN", "DEPENDENCY_UNAVAILABLE"} <= {reason for _, _, reason in FOUND}


def test_every_named_reason_is_in_the_contract() -> None:
    unknown = [f"{place} {reason}" for place, _, reason in FOUND if reason not in REASONS]
    assert unknown == []


def test_every_reason_comes_with_the_code_that_its_comment_names() -> None:
    codes, classes = published_codes(), {cls.__name__: code_pb2.Code.Name(code) for cls, code in CODES.items()}
    wrong = [
        f"{place} {cls}({reason}): the contract says {codes[reason]}"
        for place, cls, reason in FOUND
        if cls in classes and reason in codes and classes[cls] != codes[reason]
    ]
    assert wrong == []


def test_every_comment_names_a_canonical_code() -> None:
    codes = published_codes()
    assert set(codes) == REASONS
    assert set(codes.values()) <= set(code_pb2.Code.keys())
