"""From the vocabulary of `qdrant_client.models` to that of the in-process engine."""

# ruff: noqa: ANN401 - both vocabularies are wide unions that only `match` tells apart

from __future__ import annotations

from typing import Any

import qdrant_edge as edge
from qdrant_client import models

_SCHEMA = {
    models.PayloadSchemaType.KEYWORD: edge.PayloadSchemaType.Keyword,
    models.PayloadSchemaType.INTEGER: edge.PayloadSchemaType.Integer,
    models.PayloadSchemaType.FLOAT: edge.PayloadSchemaType.Float,
}


def schema_type(kind: models.PayloadSchemaType) -> edge.PayloadSchemaType:
    """Returns the engine's name of a payload index."""
    return _SCHEMA[kind]


def point(item: models.PointStruct) -> edge.Point:
    """Converts a point with named vectors."""
    if not isinstance(item.vector, dict):
        raise TypeError(f"points have named vectors, got {type(item.vector).__name__}")
    return edge.Point(str(item.id), {name: _vector(value) for name, value in item.vector.items()}, item.payload)


def filter_(wanted: models.Filter | None) -> edge.Filter | None:
    """Converts a filter of `must` and `must_not`; one without conditions is none."""
    if wanted is None or not (wanted.must or wanted.must_not or wanted.should or wanted.min_should):
        return None
    if wanted.should or wanted.min_should:
        raise NotImplementedError("filters have only must and must_not")
    return edge.Filter(must=_conditions(wanted.must), must_not=_conditions(wanted.must_not))


def query(item: Any, using: str | None) -> Any:
    """Converts what a query or prefetch scores by: a vector, or a formula."""
    if item is None:  # everything that the filter lets through
        return None
    if isinstance(item, models.FormulaQuery):
        return edge.Formula(expression(item.formula), item.defaults or {})
    if isinstance(item, models.NearestQuery):
        item = item.nearest
    return edge.Query.Nearest(_vector(item), using)


def prefetch(item: models.Prefetch) -> edge.Prefetch:
    """Converts a prefetch, with those below it."""
    if item.limit is None:
        raise NotImplementedError("prefetches have a limit")
    below = item.prefetch or []
    return edge.Prefetch(
        item.limit,
        query(item.query, item.using),
        prefetches=[prefetch(part) for part in (below if isinstance(below, list) else [below])],
        params=params(item.params),
        filter=filter_(item.filter),
    )


def params(item: models.SearchParams | None) -> edge.SearchParams | None:
    """Converts search parameters: `hnsw_ef`, `exact`, and of quantization `rescore`."""
    if item is None:
        return None
    rough = edge.QuantizationSearchParams(rescore=item.quantization.rescore) if item.quantization else None
    return edge.SearchParams(hnsw_ef=item.hnsw_ef, exact=bool(item.exact), quantization=rough)


def expression(item: Any) -> edge.Expression:
    """Converts an expression of a formula.

    Raises:
        NotImplementedError: For kinds of expressions that no ranking of ours uses.
    """
    make = edge.Expression
    match item:
        case bool() | None:
            raise NotImplementedError(f"no expression: {item!r}")
        case int() | float():
            return make.Constant(float(item))
        case str():
            return make.Variable(item)
        case models.FieldCondition() | models.HasIdCondition() | models.IsEmptyCondition():
            return make.Condition(_condition(item))
        case models.SumExpression():
            return make.Sum([expression(part) for part in item.sum])
        case models.MultExpression():
            return make.Mult([expression(part) for part in item.mult])
        case models.MaxExpression():
            return make.Max([expression(part) for part in item.max])
        case models.DivExpression():
            div = item.div
            return make.Div(expression(div.left), expression(div.right), div.by_zero_default)
        case models.LinDecayExpression():
            decay = item.lin_decay  # the engine wants all five arguments
            target = expression(decay.target if decay.target is not None else 0.0)
            return make.Decay(edge.DecayKind.Lin, expression(decay.x), target, decay.midpoint, decay.scale)
    raise NotImplementedError(f"no expression: {type(item).__name__}")


def _vector(value: Any) -> Any:
    if isinstance(value, models.SparseVector):
        return edge.SparseVector(value.indices, value.values)
    return value


def _conditions(items: Any) -> list[Any] | None:
    if items is None:
        return None
    return [_condition(item) for item in (items if isinstance(items, list) else [items])]


def _condition(item: Any) -> Any:
    if isinstance(item, models.HasIdCondition):
        return edge.HasIdCondition({str(value) for value in item.has_id})
    if isinstance(item, models.IsEmptyCondition):
        return edge.IsEmptyCondition(item.is_empty.key)
    if not isinstance(item, models.FieldCondition):
        raise NotImplementedError(f"no condition: {type(item).__name__}")
    return edge.FieldCondition(item.key, match=_match(item.match), range=_range(item.range))


def _match(item: Any) -> Any:
    match item:
        case None:
            return None
        case models.MatchValue():
            return edge.MatchValue(item.value)
        case models.MatchAny():
            values: Any = list(item.any)
            return edge.MatchAny(values)
    raise NotImplementedError(f"no match: {type(item).__name__}")


def _range(item: Any) -> edge.RangeFloat | None:
    if item is None:
        return None
    if not isinstance(item, models.Range):
        raise NotImplementedError(f"no range: {type(item).__name__}")
    return edge.RangeFloat(gte=item.gte, gt=item.gt, lte=item.lte, lt=item.lt)
