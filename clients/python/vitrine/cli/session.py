"""Which mesh to talk to, as whom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import jwt
import typer
from vitrine.cli.output import errors, show_failure
from vitrine.embedded.state import load as load_local
from vitrine.sdk import RpcFailure, Vitrine

EXIT_FAILED = 1
EXIT_USAGE = 2


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

    def connect(self, *, roles: tuple[str, ...] = ()) -> Vitrine:
        """Makes a client; for the local mesh with a token of its own.

        Args:
            roles: Roles that the local development token shall carry.

        Raises:
            typer.Exit: There is no local mesh, or the token is not a JWT; the reason is printed.
        """
        target, token = self.target, self.token
        if not target or not token:
            local = load_local()
            if local is None:
                errors.print("No mesh runs here. Start one with `vitrine up`, or give --target and --token.")
                raise typer.Exit(EXIT_USAGE)
            target = target or local.edge_target
            token = token or local.token(roles=roles)
        try:
            subject = str(jwt.decode(token, options={"verify_signature": False})["sub"])
        except (jwt.PyJWTError, KeyError) as error:
            errors.print(f"The token is not a JWT with a subject: {error}")
            raise typer.Exit(EXIT_USAGE) from error
        return Vitrine(target, user=subject, token=token, tls=self.tls)

    def run(self, work: Callable[[Vitrine], Awaitable[None]], *, roles: tuple[str, ...] = ()) -> None:
        """Runs a command with a client; a failed call is printed and ends with exit status 1.

        Args:
            work: The command.
            roles: Roles that the local development token shall carry.
        """

        async def connected() -> None:
            async with self.connect(roles=roles) as mesh:
                await work(mesh)

        try:
            asyncio.run(connected())
        except RpcFailure as failure:
            show_failure(failure, json_output=self.json_output)
            raise typer.Exit(EXIT_FAILED) from failure
        except (OSError, ValueError) as error:
            errors.print(str(error), style="red", markup=False)
            raise typer.Exit(EXIT_USAGE) from error
