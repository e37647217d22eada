"""The rules of the contract, checked on every message that comes in."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

import protovalidate
from google.protobuf.message import DecodeError, Message

from mesh.auth import check_ownership
from mesh.call import Caller
from mesh.contract import RpcRule
from mesh.errors import FieldViolation, InvalidInputError, ResourceExhaustedError

_validator = protovalidate.Validator()
# The library says "at least 1 characters".
_ONE = re.compile(r"\b1 (character|item|byte)s\b")


def warm_up(rules: Iterable[RpcRule]) -> None:
    """Compiles the rules of all request messages, so that no caller pays the 5-13 ms of the first use.

    Args:
        rules: The RPCs that will be served.

    Raises:
        protovalidate.CompilationError: When a rule in the contract is wrong.
    """
    for rule in rules:
        _validator.collect_violations(rule.request_class())


def validate(message: Message) -> None:
    """Checks a message against the rules of the contract.

    Args:
        message: The message.

    Raises:
        InvalidInputError: INVALID_FIELD with the path of each field at fault, in proto spelling.
    """
    found = _validator.collect_violations(message)
    if found:
        violations = tuple(
            FieldViolation(_path(item.proto.field), _ONE.sub(r"1 \1", item.proto.message) or item.proto.rule_id)
            for item in found
        )
        first = violations[0]
        raise InvalidInputError(f"{first.field or 'request'}: {first.description}", "INVALID_FIELD", {}, violations)


def too_large(limit: int, actual: int) -> ResourceExhaustedError:
    """Makes the refusal of a message.

    Args:
        limit: The largest that is taken, bytes.
        actual: What came, bytes.

    Returns:
        MESSAGE_TOO_LARGE; its metadata name the limit, its scope and its setting.
    """
    facts = {"limit": str(limit), "actual": str(actual), "scope": "message", "setting": "max_message_bytes"}
    return ResourceExhaustedError(
        f"expected a message of at most {limit} bytes, got {actual}", "MESSAGE_TOO_LARGE", facts
    )


def accept(raw: bytes, rule: RpcRule, caller: Caller | None, max_bytes: int = sys.maxsize) -> Message:
    """Parses one message and checks that the caller may send it and that it keeps the rules.

    Args:
        raw: The bytes from the wire.
        rule: What the contract says about the RPC.
        caller: Who sent it; None for an anonymous RPC.
        max_bytes: The largest message that is taken.

    Returns:
        The message.

    Raises:
        ResourceExhaustedError: MESSAGE_TOO_LARGE.
        InvalidInputError: When it cannot be parsed or breaks a rule.
        PermissionDeniedError: When it names a resource of somebody else.
    """
    if len(raw) > max_bytes:
        raise too_large(max_bytes, len(raw))
    try:
        message = rule.request_class.FromString(raw)
    except DecodeError as error:
        raise InvalidInputError(
            f"the bytes are not a {rule.request_class.DESCRIPTOR.full_name}", "INVALID_FIELD"
        ) from error
    if rule.plain is None or not rule.plain(message, len(raw)):
        if caller is not None and rule.owner_fields:
            check_ownership(caller, rule, message)
        validate(message)
    return message


def _path(field: Any) -> str:
    """Renders a `buf.validate.FieldPath`: ``products[3].price``, ``sizes["top"]``."""
    if field is None:
        return ""
    return ".".join(_step(element) for element in field.elements)


def _step(element: Any) -> str:
    subscript = element.subscript
    if subscript is None:
        return str(element.field_name)
    value = f'"{subscript.value}"' if subscript.field == "string_key" else subscript.value
    return f"{element.field_name}[{value}]"
