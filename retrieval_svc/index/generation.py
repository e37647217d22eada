"""One generation of the index: what it was built from, and how far it has followed the catalogue since."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from retrieval_svc.catalog.money import RateTable
from retrieval_svc.index.schema import SCHEMA_VERSION
from retrieval_svc.index.vector_index import VectorIndex

# A graph that lacks more than this share of the vectors is rebuilt, but not for a handful of them.
_REBUILD_SHARE = 0.2
_REBUILD_LEAST = 5_000


@dataclass(frozen=True, slots=True)
class GenerationState:
    """What must be known about a generation to go on with it after a restart.

    Attributes:
        generation: Its number; every build has a higher one.
        model: The model of its vectors.
        dimension: How many numbers a vector has.
        rates: The exchange rates that its prices were converted with.
        applied_seq: Number of the last change of the catalogue that it holds.
        built_count: How many products it was built from.
        changed_count: How many changes were applied since.
        graph_built: Whether it has a graph (HNSW); small ones are scanned.
        build_time: When it was built.
        schema_version: Version of the payload.
    """

    generation: int
    model: str
    dimension: int
    rates: RateTable
    applied_seq: int
    built_count: int
    changed_count: int
    graph_built: bool
    build_time: dt.datetime
    schema_version: int = SCHEMA_VERSION

    def advanced(self, seq: int, count: int) -> GenerationState:
        """Returns the state after more changes.

        Args:
            seq: Number of the last one.
            count: How many there were.
        """
        return replace(self, applied_seq=seq, changed_count=self.changed_count + count)

    def stale_because(self, model: str, rates: RateTable, forgotten_seq: int = 0) -> str:
        """Tells why it must be built anew; empty when it need not.

        Args:
            model: The model that the index shall hold.
            rates: The exchange rates in use.
            forgotten_seq: Number of the last change that the catalogue no longer knows.
        """
        if self.schema_version != SCHEMA_VERSION:
            return "schema"
        if self.model != model:
            return "model"
        if dict(self.rates.units_per_euro) != dict(rates.units_per_euro):
            return "rates"
        if self.applied_seq < forgotten_seq:
            return "history"
        if self.changed_count > max(_REBUILD_LEAST, _REBUILD_SHARE * self.built_count):
            return "changes"
        return ""


class OpenGeneration:
    """A generation that answers queries."""

    def __init__(self, index: VectorIndex, state: GenerationState) -> None:
        self.index = index
        self.state = state


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What to build.

    Attributes:
        generation: Its number.
        model: The model whose vectors it shall hold.
        dimension: How many numbers a vector has.
        rates: The exchange rates to convert prices with.
        forgotten_seq: Number of the last change that the catalogue no longer knows: it must come further.
    """

    generation: int
    model: str
    dimension: int
    rates: RateTable
    forgotten_seq: int = 0


class IndexBackend(Protocol):
    """Where generations live, and how they are built."""

    @property
    def engine(self) -> str:
        """``qdrant-edge`` or ``qdrant-server``."""
        ...

    async def open(self) -> OpenGeneration | None:
        """Opens the newest complete generation, or returns None when there is none."""
        ...

    async def refresh(self, current: OpenGeneration) -> OpenGeneration | None:
        """Returns the generation that shall answer: this one, or a newer one that another process built.

        None when the engine has lost it, so that it must be built anew.
        """
        ...

    async def build(self, plan: BuildPlan) -> OpenGeneration | None:
        """Builds a generation from PostgreSQL and opens it.

        Where processes share generations, it opens what another one has built meanwhile, if that serves the plan, and
        returns None while another one is building.
        """
        ...

    def turn(self) -> AbstractAsyncContextManager[bool]:
        """Gives the turn to write to the index, and tells whether it is ours."""
        ...

    async def advance(self, current: OpenGeneration, state: GenerationState) -> None:
        """Remembers that a generation holds more changes."""
        ...

    async def retire(self, old: OpenGeneration) -> None:
        """Closes a generation that no longer answers, and removes it. What is cut off here, `open` finishes."""
        ...


def rates_to_json(rates: RateTable) -> dict[str, Any]:
    """Returns a rate table as JSON values."""
    return {
        "date": rates.date.isoformat(),
        "dates": {code: day.isoformat() for code, day in rates.dates.items()},
        "units_per_euro": {code: str(rate) for code, rate in rates.units_per_euro.items()},
    }


def rates_from_json(value: dict[str, Any]) -> RateTable:
    """Reads what `rates_to_json` wrote."""
    units = {code: Decimal(rate) for code, rate in value["units_per_euro"].items()}
    # Generations of before had one day for all rates.
    days = {code: dt.date.fromisoformat(day) for code, day in value.get("dates", {}).items()}
    return RateTable(units, dt.date.fromisoformat(value["date"]), days)


def state_to_json(state: GenerationState) -> dict[str, Any]:
    """Returns a state as JSON values."""
    return {
        "schema_version": state.schema_version,
        "generation": state.generation,
        "model": state.model,
        "dimension": state.dimension,
        "rates": rates_to_json(state.rates),
        "applied_seq": state.applied_seq,
        "built_count": state.built_count,
        "changed_count": state.changed_count,
        "graph_built": state.graph_built,
        "build_time": state.build_time.isoformat(),
    }


def state_from_json(value: dict[str, Any]) -> GenerationState:
    """Reads what `state_to_json` wrote.

    Raises:
        KeyError, ValueError, TypeError: When it is not such a state.
    """
    return GenerationState(
        generation=int(value["generation"]),
        model=value["model"],
        dimension=int(value["dimension"]),
        rates=rates_from_json(value["rates"]),
        applied_seq=int(value["applied_seq"]),
        built_count=int(value["built_count"]),
        changed_count=int(value["changed_count"]),
        graph_built=bool(value["graph_built"]),
        build_time=dt.datetime.fromisoformat(value["build_time"]),
        schema_version=int(value["schema_version"]),
    )


def state_text(state: GenerationState) -> str:
    """Returns a state as a JSON document."""
    return json.dumps(state_to_json(state), separators=(",", ":"))
