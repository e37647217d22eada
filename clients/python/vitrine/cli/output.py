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


def show_failure(failure: RpcFailure, *, json_output: bool) -> None:
    """Prints a failed call: reason, fields at fault, advice.

    Args:
        failure: What went wrong.
        json_output: Print one JSON object instead of a panel.
    """
    if json_output:
        as_json(
            {
                "error": {
                    "code": failure.code.name,
                    "reason": failure.reason,
                    "message": failure.message,
                    "fields": dict(failure.fields),
                    "metadata": dict(failure.metadata),
                    "requestId": failure.request_id,
                }
            }
        )
        return
    lines = [escape(failure.message)]
    lines += [
        f"[bold]{escape(name)}[/]: {escape(description)}"
        for name, description in failure.fields.items()
        if f"{name}: {description}" != failure.message  # said already
    ]
    if failure.retry_after_s is not None:
        lines.append(f"try again in {failure.retry_after_s:.1f} s")
    if failure.advice:
        lines.append(f"[green]{failure.advice}[/]")
    if failure.request_id:
        lines.append(f"[dim]request id {failure.request_id}[/]")
    title = f"{failure.code.name}{' · ' + failure.reason if failure.reason else ''}"
    errors.print(Panel("\n".join(lines), title=title, border_style="red", title_align="left"))
