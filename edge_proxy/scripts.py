"""The two scripts that Envoy runs itself: one looks at JSON requests, one completes the errors of the edge.

Envoy's transcoder ignores fields that it does not know and has no switch for it, so that a typo in a request would do
nothing and say nothing; and what it does refuse it explains in words for people only. So a script checks every JSON
request against the contract first (`lua/requests.lua`), and another one gives a proper shape to what is left.
"""

from __future__ import annotations

from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from edge_proxy.tables import Tables

_FOLDER = Path(__file__).with_name("lua")


def requests_script(descriptors: Path, max_message_bytes: int) -> str:
    """Makes the script that refuses JSON requests which do not fit the contract.

    Args:
        descriptors: A serialized FileDescriptorSet.
        max_message_bytes: The longest body that is let through, in bytes.

    Returns:
        Lua for Envoy's Lua filter.

    Raises:
        ValueError: The contract has a body that the script cannot look at.
    """
    tables = Tables(FileDescriptorSet.FromString(descriptors.read_bytes()).file)
    names = {"enums": tables.enums, "types": tables.types, "rules": tables.rules, "max_bytes": max_message_bytes}
    head = "".join(f"local {name} = {_lua(value)}\n" for name, value in names.items())
    return head + _files("words", "values", "bodies", "queries", "requests")


def answers_script() -> str:
    """Makes the script that completes errors of the edge.

    Returns:
        Lua for Envoy's Lua filter.
    """
    return _files("words", "answers")


def _files(*names: str) -> str:
    return "\n".join((_FOLDER / f"{name}.lua").read_text() for name in names)


def _lua(value: object) -> str:
    """Writes a value as Lua. Names and patterns hold neither quotes nor backslashes."""
    if isinstance(value, dict):
        return "{" + ",".join(f'["{key}"]={_lua(each)}' for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "{\n" + ",\n".join(_lua(each) for each in value) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
