"""The HTTP form of an RPC, made from its `google.api.http` as any client would."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.mesh.contract import Json, Rpc

_VARIABLE = re.compile(r"\{([a-z_.]+)(?:=[^}]*)?\}")


@dataclass(frozen=True)
class HttpForm:
    """One HTTP request.

    Attributes:
        method: `GET`, ...
        path: The path.
        params: The query.
        body: The JSON body; None without one.
    """

    method: str
    path: str
    params: list[tuple[str, str | int | float | bool | None]]
    body: Any


def http_form(rpc: Rpc, request: Json) -> HttpForm:
    """Writes a request as HTTP.

    Args:
        rpc: The RPC.
        request: The request in proto JSON.
    """
    rule, rest = rpc.http, copy.deepcopy(request)
    method = rule.WhichOneof("pattern")

    def fill(match: re.Match[str]) -> str:
        return quote(str(_take(rest, [_camel(step) for step in match[1].split(".")])), safe="/:")

    path = _VARIABLE.sub(fill, getattr(rule, method))
    if rule.body == "*":
        return HttpForm(method.upper(), path, [], [rest] if rpc.client_streaming else rest)
    body = rest.pop(_camel(rule.body), {}) if rule.body else None
    return HttpForm(method.upper(), path, list(_query(rest)), body)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(step.title() for step in tail)


def _take(body: Json, path: list[str]) -> Any:
    for step in path[:-1]:
        body = body.get(step, {})
    return body.pop(path[-1], "")


def _query(body: Json, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in body.items():
        if isinstance(value, dict):
            yield from _query(value, f"{prefix}{key}.")
            continue
        for each in value if isinstance(value, list) else [value]:
            yield f"{prefix}{key}", str(each).lower() if isinstance(each, bool) else str(each)
