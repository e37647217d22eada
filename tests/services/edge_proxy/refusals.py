"""What a refusal looks like."""

from __future__ import annotations

from typing import Any

import httpx


def details(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    return {
        detail["@type"].removeprefix("type.googleapis.com/google.rpc."): detail for detail in answer.json()["details"]
    }


def assert_unknown(answer: httpx.Response, field: str) -> None:
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == 3
    found = details(answer)
    assert (found["ErrorInfo"]["domain"], found["ErrorInfo"]["reason"]) == ("vitrine.dev", "INVALID_FIELD")
    violation = {"field": field, "description": "the contract has no such field"}
    assert found["BadRequest"]["fieldViolations"] == [violation]
    assert answer.json()["message"] == f"{field}: the contract has no such field"
