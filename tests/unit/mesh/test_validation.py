"""Rules of the contract: which field is at fault, in proto spelling."""

from __future__ import annotations

import time

import pytest
from vitrine.retrieval.v1 import product_pb2
from vitrine.type.v1 import geometry_pb2, model_pb2, personal_context_pb2

from mesh.contract import Access, RpcRule
from mesh.errors import FieldViolation, InvalidInputError
from mesh.validation import accept, validate

pytestmark = pytest.mark.unit

Context = personal_context_pb2.PersonalContext
Embedding = model_pb2.Embedding


@pytest.mark.parametrize(
    ("context", "paths"),
    [
        (Context(), []),
        (Context(color_season="x" * 41), ["color_season"]),
        (Context(preferred_brands=["ok", "x" * 101]), ["preferred_brands[1]"]),
        (Context(taste=Embedding(values=[0.5, float("inf")])), ["taste.values[1]"]),
        (Context(taste=Embedding(model="x")), ["taste.values"]),
        (Context(sizes={str(n): "M" for n in range(17)}), ["sizes"]),
        (Context(color_season="x" * 41, preferred_brands=["x" * 101]), ["color_season", "preferred_brands[0]"]),
    ],
    ids=["empty", "string", "item", "nested item", "required", "map", "two at once"],
)  # fmt: skip
def test_field_at_fault_is_named(context: Context, paths: list[str]) -> None:
    if not paths:
        validate(context)
        return
    with pytest.raises(InvalidInputError) as caught:
        validate(context)
    assert caught.value.reason == "INVALID_FIELD"
    assert [violation.field for violation in caught.value.violations] == paths
    assert all(violation.description for violation in caught.value.violations)


def test_rule_of_the_whole_message_has_no_field() -> None:
    with pytest.raises(InvalidInputError, match="request: x_min must be below x_max") as caught:
        validate(geometry_pb2.NormalizedBox(x_min=0.5, x_max=0.1, y_max=1))
    assert [violation.field for violation in caught.value.violations] == [""]


def test_message_of_a_stream_costs_microseconds() -> None:
    message = Context(taste=Embedding(values=[0.5] * 8, model="m"))
    validate(message)
    started = time.process_time()
    for _ in range(2000):
        validate(message)
    assert (time.process_time() - started) / 2000 < 100e-6  # measured: 5 us


def test_one_character_is_not_told_as_many() -> None:
    with pytest.raises(InvalidInputError) as caught:
        validate(product_pb2.Product(name="products/a", category="coat"))
    assert FieldViolation("title", "must be at least 1 character") in caught.value.violations


@pytest.mark.parametrize(("plain", "taken"), [(True, True), (False, False)], ids=["plain", "not plain"])
def test_a_message_that_is_said_to_be_plain_is_checked_no_further(plain: bool, taken: bool) -> None:
    sizes: list[int] = []

    def look(_: Context, size: int) -> bool:
        sizes.append(size)
        return plain

    rule = RpcRule("x.S/M", "x.S", "M", Context, Access.USER, (), idempotent=False, streaming=True, plain=look)
    raw = Context(color_season="x" * 41).SerializeToString()
    if taken:
        assert accept(raw, rule, None) == Context.FromString(raw)
    else:
        with pytest.raises(InvalidInputError):
            accept(raw, rule, None)
    assert sizes == [len(raw)]
