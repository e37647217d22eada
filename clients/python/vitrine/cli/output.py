"""What the command line prints: tables for people, JSON lines for programs, failures with advice."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from vitrine.sdk.errors import RpcFailure

console = Console()
errors = Console(stderr=True)


def as_json(value: Message | dict[str, Any] | list[Any]) -> None:
    """Prints one line of JSON.

    Args:
        value: A message (in the protobuf JSON mapping) or plain data.
    """
    plain = MessageToDict(value) if isinstance(value, Message) else value
    console.out(json.dumps(plain, ensure_ascii=False), highlight=False)


def say_failure(words: str, *, json_output: bool) -> None:
    """Says what is wrong where no call failed: on standard error, or as one JSON object.

    Args:
        words: What is wrong, and what to do.
        json_output: Print JSON.
    """
    if json_output:
        as_json({"error": {"message": words}})
    else:
        errors.print(words, style="red", markup=False, highlight=False)


def show_failure(failure: RpcFailure, *, json_output: bool, target: str = "") -> None:
    """Prints a failed call: reason, fields at fault, advice.

    Args:
        failure: What went wrong.
        json_output: Print one JSON object instead of a panel.
        target: The edge that was called, for failures of the connection.
    """
    message = _in_plain_words(failure, target) or failure.message
    if json_output:
        as_json(
            {
                "error": {
                    "code": failure.code.name,
                    "reason": failure.reason,
                    "message": message,
                    "fields": dict(failure.fields),
                    "metadata": dict(failure.metadata),
                    "requestId": failure.request_id,
                }
            }
        )
        return
    lines = [escape(message)]
    lines += [
        f"[bold]{escape(name)}[/]: {escape(description)}"
        for name, description in failure.fields.items()
        if f"{name}: {description}" != failure.message  # said already
    ]
    if failure.retry_after_s is not None:
        lines.append(f"try again in {failure.retry_after_s:.1f} s")
    if failure.advice:
        lines.append(f"[green]{escape(failure.advice)}[/]")
    if failure.request_id:
        lines.append(f"[dim]request id {failure.request_id}[/]")
    title = f"{failure.code.name}{' · ' + failure.reason if failure.reason else ''}"
    errors.print(Panel("\n".join(lines), title=title, border_style="red", title_align="left"))


# What gRPC says when it gets no connection, and the same for people.
_NO_CONNECTION = (
    ("Connection refused", "nothing answers at {target}; `vitrine status` shows the mesh of this machine"),
    ("Domain name not found", "there is no host called {host}"),
    ("errors resolving", "the address of {host} cannot be found"),
    ("Tls handshake failed", "the edge at {target} does not speak TLS as asked with --tls"),
    ("failed to connect", "no connection to {target}"),
    ("Socket closed", "the connection to {target} was closed; an edge that speaks TLS needs --tls"),
)


def _in_plain_words(failure: RpcFailure, target: str) -> str:
    """Says what a missing connection means; empty when the mesh itself answered."""
    if failure.reason or not failure.connection_broke:
        return ""
    host = target.rpartition(":")[0] or target
    said = (words for sign, words in _NO_CONNECTION if sign in failure.message)
    return next(said, "").format(target=target or "the edge", host=host or "the edge")
