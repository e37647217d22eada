"""Which products count: one description, from which the index filter and the SQL filter are both made."""

from __future__ import annotations

from dataclasses import dataclass, field

from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.vocabulary import Availability, Bucket, Gender


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What shall not be found: a product that has any of these values. Words are keys, patterns are names.

    Attributes:
        brands: Brand keys.
        categories: Category keys.
        buckets: Places in an outfit.
        genders: Exactly these.
        colors: Colour keys.
        patterns: Names of patterns, see `retrieval_svc.catalog.patterns`.
        materials: Material keys.
        tags: Tag keys.
    """

    brands: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    genders: tuple[Gender, ...] = ()
    colors: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def joined(self, other: Exclusions) -> Exclusions:
        """Returns what either excludes."""
        both = {name: (*getattr(self, name), *getattr(other, name)) for name in self.__slots__}
        return Exclusions(**{name: tuple(dict.fromkeys(values)) for name, values in both.items()})


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Within one field any value may match; all fields that are set must match.

    Words are keys (`retrieval_svc.catalog.vocabulary.key`).

    Attributes:
        brands: Brand keys.
        categories: Category keys.
        buckets: Places in an outfit.
        genders: As asked for; women and men also match unisex, see `gender_values`.
        colors: Colour keys.
        sizes: Size keys.
        availabilities: Availabilities.
        min_price: The least it may cost.
        max_price: The most it may cost.
        tags: Tag keys.
        excluded: Article numbers that shall not be found.
        patterns: Names of patterns, see `retrieval_svc.catalog.patterns`.
        materials: Material keys.
        exclusions: What shall not be found.
    """

    brands: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    genders: tuple[Gender, ...] = ()
    colors: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    availabilities: tuple[Availability, ...] = ()
    min_price: Money | None = None
    max_price: Money | None = None
    tags: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    exclusions: Exclusions = field(default_factory=Exclusions)

    def gender_values(self) -> tuple[int, ...]:
        """Returns the genders to look for: what is made for anybody is made for women and men too."""
        wanted = set(self.genders)
        if wanted & {Gender.WOMEN, Gender.MEN}:
            wanted.add(Gender.UNISEX)
        return tuple(sorted(int(gender) for gender in wanted))
