"""What a refusal looks like."""

from __future__ import annotations

from typing import Any

import httpx


def details(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    return {
        detail["@type"].removeprefix("type.googleapis.com/google.rpc."): detail for detail in answer.json()["details"]
    }


def assert_refused(answer: httpx.Response, *fields: str) -> list[str]:
    """Checks that a request was refused in the one shape, for these fields; gives what is said of each."""
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == 3
    found = details(answer)
    assert (found["ErrorInfo"]["domain"], found["ErrorInfo"]["reason"]) == ("vitrine.dev", "INVALID_FIELD")
    violations = found["BadRequest"]["fieldViolations"]
    assert [violation["field"] for violation in violations] == list(fields)
    assert {violation["reason"] for violation in violations} == {"INVALID_FIELD"}
    assert answer.json()["message"] == f"{fields[0] or 'request'}: {violations[0]['description']}"[:200]
    assert found["RequestInfo"]["requestId"] == answer.headers["x-request-id"]
    return [violation["description"] for violation in violations]


def assert_unknown(answer: httpx.Response, *fields: str) -> None:
    """Checks that a request was refused for fields that the contract does not have."""
    assert set(assert_refused(answer, *fields)) == {"the contract has no such field"}
