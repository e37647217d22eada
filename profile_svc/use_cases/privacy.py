"""Everything about one user: handing it out, and removing it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from mesh.database import Database
from profile_svc.storage import taste
from profile_svc.storage.taste import EventRow
from profile_svc.storage.users import Removed, erase_user
from profile_svc.use_cases.profiles import ProfileView, read_view


class Privacy:
    """Exports and erases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def export(self, user_id: str) -> AsyncIterator[ProfileView | EventRow]:
        """Yields the profile and then every taste event, oldest first, all as of one moment.

        The log is only appended to, so that its entries up to the profile's number are that moment. No transaction is
        open while the reader takes its time.

        Args:
            user_id: Whose.
        """
        async with self._database.begin() as connection:
            view = await read_view(connection, user_id)
        yield view
        after = 0
        while True:
            async with self._database.begin() as connection:
                page = await taste.page_events(connection, user_id, after=after, last=view.sequence)
            for event in page:
                yield event
            if len(page) < taste.PAGE:
                return
            after = page[-1].sequence

    async def erase(self, user_id: str) -> Sequence[Removed]:
        """Removes everything and returns what it was, for each table.

        Args:
            user_id: Whose.
        """
        async with self._database.begin() as connection:
            return await erase_user(connection, user_id)
