"""Which mesh to talk to, as whom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import jwt
import typer
from vitrine.cli.output import say_failure, show_failure
from vitrine.embedded.home import Home
from vitrine.embedded.state import load as load_local
from vitrine.sdk import RpcFailure, Vitrine

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_RUNNING = 3


def no_mesh() -> str:
    """Says that no mesh runs here, where "here" is, and what to do."""
    return (
        f"No mesh runs in {Home.find().path}. Start one with `vitrine up`, name the folder of another in VITRINE_HOME, "
        "or name an edge elsewhere with --target and --token."
    )


@dataclass(frozen=True, slots=True)
class Session:
    """The options that every command shares.

    Attributes:
        target: ``host:port`` of the edge; empty for the local mesh.
        token: A JWT; empty for a development token of the local mesh.
        tls: Whether the edge speaks TLS.
        json_output: Print JSON lines instead of tables.
    """

    target: str
    token: str
    tls: bool
    json_output: bool

    def fail(self, words: str, exit_code: int) -> NoReturn:
        """Says what is wrong and ends the program.

        Args:
            words: What is wrong, and what to do.
            exit_code: Exit status.
        """
        say_failure(words, json_output=self.json_output)
        raise typer.Exit(exit_code)

    def run(self, work: Callable[[Vitrine], Awaitable[None]], *, roles: tuple[str, ...] = ()) -> None:
        """Runs a command with a client; for the local mesh with a token of its own.

        Args:
            work: The command.
            roles: Roles that the local development token shall carry.

        Raises:
            typer.Exit: There is no local mesh, the token is not a JWT, or a call failed; the reason is printed.
        """
        target, token = self._where_and_as_whom(roles)
        try:
            subject = str(jwt.decode(token, options={"verify_signature": False})["sub"])
        except (jwt.PyJWTError, KeyError) as error:
            self.fail(f"The token is not a JWT with a subject: {error}", EXIT_USAGE)

        async def connected() -> None:
            async with Vitrine(target, user=subject, token=token, tls=self.tls) as mesh:
                await work(mesh)

        try:
            asyncio.run(connected())
        except RpcFailure as failure:
            show_failure(failure, json_output=self.json_output, target=target)
            raise typer.Exit(EXIT_FAILED) from failure
        except (OSError, ValueError) as error:
            self.fail(str(error), EXIT_USAGE)

    def _where_and_as_whom(self, roles: tuple[str, ...]) -> tuple[str, str]:
        if self.target and self.token:
            return self.target, self.token
        local = load_local()
        if local is None:
            self.fail(no_mesh(), EXIT_NOT_RUNNING)
        return self.target or local.edge_target, self.token or local.token(roles=roles)
