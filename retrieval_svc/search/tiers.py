"""Three ways to spend: as ranked, less, and more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# The published bounds.
LOWER_RATIO = 0.8
PREMIUM_RATIO = 1.2


@dataclass(frozen=True, slots=True)
class TierPlaces:
    """Places in the ranked list, 0 being the first; None where there is no such product."""

    closest: int | None = None
    lower: int | None = None
    premium: int | None = None

    def places(self) -> tuple[int | None, int | None, int | None]:
        """Returns the three places, in the order of the fields."""
        return self.closest, self.lower, self.premium

    def known(self) -> set[int]:
        """Returns the places of the tiers that there are."""
        return {place for place in self.places() if place is not None}


def pick_tiers(prices_eur: Sequence[float]) -> TierPlaces:
    """Picks closest, lower and premium.

    Args:
        prices_eur: Prices in one currency, in the order of the ranking.
    """
    if not prices_eur:
        return TierPlaces()
    anchor = prices_eur[0]
    # What costs the same is no other tier, not even beside something free, of which both bounds are 0.
    others = [place for place in range(1, len(prices_eur)) if prices_eur[place] != anchor]
    lower = next((place for place in others if prices_eur[place] <= LOWER_RATIO * anchor), None)
    premium = next((place for place in others if prices_eur[place] >= PREMIUM_RATIO * anchor), None)
    return TierPlaces(0, lower, premium)
