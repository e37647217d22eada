"""Exchange rates between the contract and the core."""

from __future__ import annotations

from decimal import Decimal

from vitrine.retrieval.v1 import catalog_service_pb2 as pb

from retrieval_svc.servicers.products import date_from_proto, date_to_proto
from retrieval_svc.storage.rates import Rate

# As the database keeps them.
_DIGITS = Decimal("0.00000001")


def rate_from_proto(message: pb.CurrencyRate, path: str) -> Rate:
    """Reads a rate.

    Args:
        message: The rate.
        path: Where it stands in the request, for errors.
    """
    units = max(Decimal(repr(message.units_per_euro)).quantize(_DIGITS), _DIGITS)
    return Rate(message.currency_code, units, date_from_proto(message.date, f"{path}.date"), message.source)


def rate_to_proto(rate: Rate) -> pb.CurrencyRate:
    """Writes a rate."""
    return pb.CurrencyRate(
        currency_code=rate.currency,
        units_per_euro=float(rate.units_per_euro),
        date=date_to_proto(rate.date),
        source=rate.source,
    )
