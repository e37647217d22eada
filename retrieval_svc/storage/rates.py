"""Exchange rates by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from retrieval_svc.catalog.money import RateTable
from retrieval_svc.storage.tables import currency_rates


@dataclass(frozen=True, slots=True)
class Rate:
    """What one euro costs in a currency, on one day."""

    currency: str
    units_per_euro: Decimal
    date: dt.date
    source: str = ""


# A day begins in the first time zone when the day before it is half over in UTC.
AHEAD = dt.timedelta(days=1)


async def newest_rates(connection: AsyncConnection) -> list[Rate]:
    """Returns the newest rate of each currency, by currency; of days that are still to come none counts."""
    table = currency_rates.c
    latest = dt.datetime.now(dt.UTC).date() + AHEAD
    statement = sa.select(table.currency, table.units_per_euro, table.date, table.source).where(table.date <= latest)
    rows = await connection.execute(
        statement.ext(pg.distinct_on(table.currency)).order_by(table.currency, table.date.desc())
    )
    return [Rate(row.currency, row.units_per_euro, row.date, row.source) for row in rows]


async def write_rates(connection: AsyncConnection, rates: Sequence[Rate]) -> None:
    """Stores rates, each currency and day once."""
    values = [
        {"currency": rate.currency, "date": rate.date, "units_per_euro": rate.units_per_euro, "source": rate.source}
        for rate in rates
    ]
    insert = pg.insert(currency_rates).values(values)
    changed = {column: insert.excluded[column] for column in ("units_per_euro", "source")}
    keys = [currency_rates.c.currency, currency_rates.c.date]
    await connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed))


def table_of(rates: Sequence[Rate]) -> RateTable:
    """Makes the table with which prices are converted.

    Args:
        rates: One per currency, as `newest_rates` gives them.
    """
    newest = max((rate.date for rate in rates), default=dt.date.min)
    units = {rate.currency: rate.units_per_euro for rate in rates}
    return RateTable(units, newest, {rate.currency: rate.date for rate in rates})
