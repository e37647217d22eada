"""Sending summaries out of the mesh, to addresses that users chose: so with care for where they lead."""

from __future__ import annotations

import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from ingest_svc.captures.summary import ForbiddenTargetError, all_public, check_url
from mesh.errors import FailedPreconditionError, UnavailableError

_MAX_ANSWER_BYTES = 1024
_RETRY_STATUSES = (408, 425, 429)


class WebhookClient:
    """Posts messages. Redirects are not followed, answers not read, proxies of the environment not used."""

    def __init__(self, *, allow_private: bool, timeout_s: float) -> None:
        self._allow_private = allow_private
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        """Sends one message.

        Args:
            url: Where to.
            body: The message.
            headers: Its headers.

        Raises:
            UnavailableError: When the receiver does not answer, or asks to come again.
            FailedPreconditionError: When the address is forbidden, or the receiver refuses the message for good.
        """
        try:
            check_url(url, allow_private=self._allow_private)
            async with self._open().post(url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(_MAX_ANSWER_BYTES)
                status = answer.status
        except ForbiddenTargetError as error:
            raise FailedPreconditionError(str(error), "STATE_CONFLICT") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if _forbidden(error):
                raise FailedPreconditionError("the name leads to a private address", "STATE_CONFLICT") from error
            raise _away() from error
        if status >= 500 or status in _RETRY_STATUSES:
            raise _away()
        if status >= 300:
            raise FailedPreconditionError(f"the receiver answered {status}", "STATE_CONFLICT")

    async def close(self) -> None:
        """Closes its connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = None if self._allow_private else PublicResolver()
            connector = aiohttp.TCPConnector(resolver=resolver, limit=16)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=False)
        return self._session


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only.

    aiohttp connects to what this returns, so that what was checked is what is connected to: a name that resolves
    differently a moment later (DNS rebinding) gains nothing.
    """

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolves a name.

        Args:
            host: The name.
            port: The port, handed on.
            family: Which addresses.

        Raises:
            ForbiddenTargetError: When it leads to a private address.
        """
        found = await self._inner.resolve(host, port, family)
        all_public([entry["host"] for entry in found])
        return found

    async def close(self) -> None:
        """Closes the resolver behind."""
        await self._inner.close()


def _forbidden(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ForbiddenTargetError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _away() -> UnavailableError:
    return UnavailableError("the receiver does not answer", "DEPENDENCY_UNAVAILABLE", {"dependency": "webhook"})
