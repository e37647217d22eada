"""A made-up catalogue of any size for `bench/search.py`: clustered vectors, realistic payloads, known filter shares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from retrieval_svc.catalog.money import Money
from retrieval_svc.catalog.product import ColorTag, Product
from retrieval_svc.catalog.vocabulary import Availability, Gender, bucket_of
from retrieval_svc.storage.catalog import product_values
from retrieval_svc.storage.vectors import pack

FloatArray = npt.NDArray[np.float32]
MODEL = "bench/1"
# Share of the products that carry each tag; independent of everything else.
SHARES: Mapping[str, float] = MappingProxyType({"half": 0.5, "tenth": 0.1, "hundredth": 0.01, "thousandth": 0.001})
_CATEGORIES = (
    "shirt", "t-shirt", "sweater", "hoodie", "blouse", "trousers", "jeans", "skirt", "shorts", "coat", "jacket",
    "blazer", "dress", "sneakers", "boots", "bag", "hat",
)  # fmt: skip
_COLORS = ("black", "white", "navy", "grey", "beige", "brown", "red", "pink", "olive", "green", "light blue", "mustard")
_PATTERNS = ("plain", "plain", "plain", "striped", "checked", "floral", "dotted")
_CURRENCIES = {"EUR": 1.0, "USD": 1.04, "GBP": 0.83, "JPY": 163.0}
_STOCK = (1, 1, 1, 1, 1, 2, 3, 5)
_BRANDS = 120
PER_LOOK = 250
# Length of the noise beside a cluster's centre: neighbours in a cluster have a cosine of about 0.6.
_NOISE = 0.8


@dataclass(frozen=True, slots=True)
class Sample:
    """The catalogue as arrays, one row a product.

    Attributes:
        vectors: float32 `(N, D)`, length 1.
        cluster: int64 `(N,)`: which look a product has.
        tags: bool `(N,)` by tag of `SHARES`.
        categories: Category of each product.
        seed: What it was made from.
    """

    vectors: FloatArray
    cluster: npt.NDArray[np.int64]
    tags: Mapping[str, npt.NDArray[np.bool_]]
    categories: list[str]
    seed: int

    def queries(self, count: int, seed: int, among: npt.NDArray[np.bool_] | None = None) -> FloatArray:
        """Returns vectors like those of a photo: near a product, but of none. float32 `(count, D)`, length 1.

        Args:
            count: How many.
            seed: Source of chance.
            among: bool `(N,)`: near which products; all when left out.
        """
        rng = np.random.default_rng([self.seed, seed])
        rows = np.arange(len(self.vectors)) if among is None else np.flatnonzero(among)
        near = self.vectors[rows[rng.integers(len(rows), size=count)]]
        return _unit(near + _noise(rng, near.shape, 0.5))

    def nearest(self, vector: FloatArray, mask: npt.NDArray[np.bool_], count: int) -> list[int]:
        """Returns the rows of the nearest products that a mask lets through, by exact arithmetic."""
        scores = np.where(mask, self.vectors @ vector, -np.inf)
        first = np.argsort(-scores)[:count]
        return [int(row) for row in first if mask[row]]

    def product(self, number: int) -> Product:
        """Makes the n-th product."""
        rng = np.random.default_rng([self.seed, 2, number])
        color, pattern = (
            _COLORS[int(self.cluster[number]) % len(_COLORS)],
            _PATTERNS[int(rng.integers(len(_PATTERNS)))],
        )
        currency = tuple(_CURRENCIES)[int(rng.choice(4, p=(0.7, 0.1, 0.1, 0.1)))]
        amount = 15 * float(rng.lognormal(1.0, 0.6)) * _CURRENCIES[currency]
        category = self.categories[number]
        words = " ".join(word for word in (color, "" if pattern == "plain" else pattern, category) if word)
        return Product(
            product_id=product_id(number),
            title=f"{words[0].upper()}{words[1:]} No. {number}",
            description=f"A {words}, made to be worn often. It fits as expected and is easy to care for.",
            category=category,
            price=_rounded(currency, amount),
            brand=f"Brand {int(rng.zipf(1.4)) % _BRANDS}",
            bucket=bucket_of(category),
            gender=Gender(1 + int(rng.integers(3))),
            colors=(ColorTag(color),),
            sizes=("XS", "S", "M", "L", "XL")[int(rng.integers(2)) : int(rng.integers(3, 6))],
            availability=Availability(_STOCK[int(rng.integers(len(_STOCK)))]),
            tags=tuple(name for name, having in self.tags.items() if having[number]),
            pattern=pattern,
            materials=("cotton",),
        )


def product_id(number: int) -> str:
    """Returns the article number of the n-th product."""
    return f"bench-{number:07d}"


def make_sample(count: int, dimension: int, seed: int, per_look: int = PER_LOOK) -> Sample:
    """Makes a catalogue; the same arguments give the same one.

    Args:
        count: How many products.
        dimension: How many numbers a vector has.
        seed: Source of chance.
        per_look: How many products look alike, about.
    """
    rng = np.random.default_rng(seed)
    clusters = max(20, count // per_look)
    centres = _unit(rng.standard_normal((clusters, dimension), np.float32))
    cluster = rng.integers(clusters, size=count)
    vectors = _unit(centres[cluster] + _noise(rng, (count, dimension), _NOISE))
    tags = {name: rng.random(count) < share for name, share in SHARES.items()}
    return Sample(vectors, cluster, tags, [_CATEGORIES[int(n) % len(_CATEGORIES)] for n in cluster], seed)


def fill(database_url: str, sample: Sample) -> None:
    """Writes the catalogue into the migrated schema of the service, past its import, which would want pictures.

    Args:
        database_url: As SQLAlchemy has it.
        sample: What to write.
    """
    address = database_url.replace("+psycopg", "", 1)
    with psycopg.connect(address, options="-c search_path=retrieval") as connection, connection.cursor() as cursor:
        columns = sql.SQL(", ").join(map(sql.Identifier, product_row(sample, 0)))
        with cursor.copy(sql.SQL("copy products ({}) from stdin").format(columns)) as rows:
            for number in range(len(sample.vectors)):
                rows.write_row(tuple(product_row(sample, number).values()))
        with cursor.copy(
            "copy product_vectors (product_id, model, picture_id, vector) from stdin (format binary)"
        ) as rows:
            rows.set_types(("text", "text", "text", "bytea"))
            for number, vector in enumerate(sample.vectors):
                rows.write_row((product_id(number), MODEL, f"{number:x}", pack(vector.tolist())))
        cursor.execute("select setval('change_seq', %s)", (len(sample.vectors) + 1,))
        cursor.execute("analyze products")
        cursor.execute("analyze product_vectors")
        dimension = sample.vectors.shape[1]
        cursor.execute("insert into index_models (active_model, active_dimension) values (%s, %s)", (MODEL, dimension))


def product_row(sample: Sample, number: int) -> dict[str, object]:
    """Returns the row of the n-th product, by column, as the service writes it."""
    values = product_values(sample.product(number))
    return values | {"doc": json.dumps(values["doc"]), "picture_id": f"{number:x}", "change_seq": number + 1}


def _rounded(currency: str, amount: float) -> Money:
    return Money(currency, Decimal(str(round(amount, 2)))).rounded()


def _noise(rng: np.random.Generator, shape: tuple[int, ...], length: float) -> FloatArray:
    noise: FloatArray = rng.standard_normal(shape, np.float32) * np.float32(length / np.sqrt(shape[1]))
    return noise


def _unit(vectors: FloatArray) -> FloatArray:
    unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
