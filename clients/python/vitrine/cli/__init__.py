"""The command line: `vitrine up`, `vitrine stream me.mp4`, `vitrine search "navy coat"`, ..."""

from __future__ import annotations

import importlib.metadata
import itertools
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

# Before gRPC and OpenCV are imported: what they have to say of a connection or a file comes in words of ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import typer
from vitrine.cli import commands, local
from vitrine.cli.demo import demo
from vitrine.cli.importing import catalog_import
from vitrine.cli.recording import record
from vitrine.cli.replaying import replay
from vitrine.cli.searching import search
from vitrine.cli.session import Session
from vitrine.cli.streaming import stream

app = typer.Typer(
    name="vitrine",
    help="What you wear, and what to wear next. Without --target, commands talk to the mesh of `vitrine up`.",
    epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no mesh runs here, or not all of it, "
    "130 ended by Ctrl-C.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
catalog = typer.Typer(help="The catalogue of products.", no_args_is_help=True)
catalog.command("import")(catalog_import)
catalog.command("demo")(local.catalog_demo)
app.add_typer(catalog, name="catalog")
_COMMANDS: tuple[Callable[..., None], ...] = (
    *(local.up, local.down, local.status, local.token, local.keys, demo),
    *(stream, record, replay, commands.capture, search, commands.profile, commands.watch, commands.undo),
)
for command in _COMMANDS:
    app.command()(command)

# Options of the program itself that may also stand behind the command, where people look for them.
_FLAGS = ("--json", "--tls")
_VALUED = ("--target", "--token")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vitrine {importlib.metadata.version('vitrine')}")
        raise typer.Exit


@app.callback()
def shared(
    context: typer.Context,
    target: Annotated[
        str, typer.Option(envvar="VITRINE_TARGET", help="host:port of the edge; may stand anywhere.")
    ] = "",
    token: Annotated[str, typer.Option(envvar="VITRINE_TOKEN", help="A JWT; may stand anywhere.")] = "",
    tls: Annotated[bool, typer.Option("--tls", envvar="VITRINE_TLS", help="The edge speaks TLS.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="JSON lines for programs; may stand anywhere.")] = False,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Takes the options that every command shares."""
    context.obj = Session(target, token, tls, json_output)


def main() -> None:
    """Entry point of the program `vitrine`."""
    app(args=shared_first(sys.argv[1:]))


def shared_first(words: Sequence[str]) -> list[str]:
    """Puts the options that every command shares before the command.

    Args:
        words: The words after the program.
    """
    first: list[str] = []
    rest: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--":  # what follows are no options
            rest += [word, *left]
        elif word in _FLAGS or word.startswith(tuple(f"{option}=" for option in _VALUED)):
            first.append(word)
        elif word in _VALUED:
            first += [word, *itertools.islice(left, 1)]
        else:
            rest.append(word)
    return first + rest
