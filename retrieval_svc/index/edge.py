"""The in-process engine: `qdrant-edge`.

No call of the engine releases the GIL, so nothing here goes to a thread: queries take about a millisecond and run
where they are asked. Whatever takes longer (building, optimizing) happens in a child process, see
`retrieval_svc.index.build`. Updates go through the engine's write-ahead log: what was acknowledged survives kill -9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import qdrant_edge as edge
from qdrant_client import models

from mesh.errors import InternalError
from retrieval_svc.index import edge_dialect
from retrieval_svc.index.schema import IMAGE_VECTOR, PAYLOAD_INDEXES, WORDS_VECTOR
from retrieval_svc.index.vector_index import Hit, IndexQuery, StoredPoint

P = ParamSpec("P")
T = TypeVar("T")

# HNSW: 16 edges and 100 candidates give recall@10 of 1.000 at ef 64 on 100,000 x 512.
HNSW_EDGES = 16
HNSW_CANDIDATES = 100
# Below 10 MB of vectors a scan is as fast as the graph, and exact. In KB, as the engine counts.
GRAPH_FROM_KB = 10_000
# The graph is walked on vectors of one byte a number: a search of 400 candidates takes 3.4 ms of the CPU instead of
# 6.0, and finds as many (0.960 instead of 0.962 of the nearest 400 in 100,000 x 256). Their scores are exact, see
# `retrieval_svc.search.candidates`. A hundredth of the numbers may be cut off: at the ends are outliers.
ROUGH_QUANTILE = 0.99


def edge_config(dimension: int) -> edge.EdgeConfig:
    """Describes a shard for products.

    Args:
        dimension: How many numbers an image vector has.
    """
    rough = edge.ScalarQuantizationConfig(edge.ScalarType.Int8, ROUGH_QUANTILE, memory=edge.Memory.Pinned)
    return edge.EdgeConfig(
        vectors={IMAGE_VECTOR: edge.EdgeVectorParams(dimension, edge.Distance.Cosine, quantization_config=rough)},
        sparse_vectors={WORDS_VECTOR: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        hnsw_config=edge.HnswIndexConfig(HNSW_EDGES, HNSW_CANDIDATES, GRAPH_FROM_KB),
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=GRAPH_FROM_KB),
        wal_enabled=True,
        # Every page reads the payloads of its products: each from the disk would be as slow as the search.
        payload_memory=edge.Memory.Cached,
    )


class _EdgeHit:
    """A hit whose id becomes text when somebody asks: for hundreds of candidates that costs more than their search."""

    __slots__ = ("_id", "_point", "score")

    def __init__(self, point: edge.ScoredPoint) -> None:
        self._point = point
        self._id = ""
        self.score = point.score

    @property
    def id(self) -> str:
        """Id of the point, a UUID."""
        if not self._id:
            self._id = str(self._point.id)
        return self._id


class QdrantEdge:
    """A shard in this process."""

    def __init__(self, shard: edge.EdgeShard) -> None:
        self._shard = shard

    @classmethod
    def create(cls, folder: Path, dimension: int) -> QdrantEdge:
        """Makes an empty shard with its payload indexes.

        Args:
            folder: Where; it must not hold a shard already.
            dimension: How many numbers an image vector has.
        """
        shard = edge.EdgeShard.create(str(folder), edge_config(dimension))
        for name, kind in PAYLOAD_INDEXES.items():
            shard.update(edge.UpdateOperation.create_field_index(name, edge_dialect.schema_type(kind)))
        return cls(shard)

    @classmethod
    def load(cls, folder: Path) -> QdrantEdge:
        """Opens a shard; 0.7 s for 100,000 products.

        Args:
            folder: Where it is.

        Raises:
            Exception: Whatever the engine says of a folder that is missing or damaged.
        """
        return cls(edge.EdgeShard.load(str(folder)))

    async def upsert(self, points: Sequence[models.PointStruct]) -> None:
        """Stores points; see `VectorIndex`."""
        if points:
            converted = [edge_dialect.point(item) for item in points]
            _guarded(self._shard.update, edge.UpdateOperation.upsert_points(converted))

    async def delete(self, ids: Sequence[str]) -> None:
        """Removes points; see `VectorIndex`."""
        if ids:
            _guarded(self._shard.update, edge.UpdateOperation.delete_points(list(ids)))

    async def query(self, query: IndexQuery) -> list[Hit]:
        """Returns the best points; see `VectorIndex`."""
        request = edge.QueryRequest(
            limit=query.limit,
            offset=query.offset,
            query=edge_dialect.query(query.query, query.using),
            prefetches=[edge_dialect.prefetch(item) for item in query.prefetch],
            filter=edge_dialect.filter_(query.filter),
            params=edge_dialect.params(query.params),
            with_payload=False,
            with_vector=False,
        )
        return [_EdgeHit(item) for item in _guarded(self._shard.query, request)]

    async def retrieve(
        self, ids: Sequence[str], *, fields: Sequence[str] | None = None, with_vector: bool = False
    ) -> dict[str, StoredPoint]:
        """Returns points by id; see `VectorIndex`."""
        if not ids:
            return {}
        payload: Any = True if fields is None else list(fields) or False
        vector: Any = [IMAGE_VECTOR] if with_vector else False
        records = _guarded(self._shard.retrieve, list(ids), with_payload=payload, with_vector=vector)
        points = (StoredPoint(str(item.id), item.payload or {}, _dense(item.vector)) for item in records)
        return {point.id: point for point in points}

    async def count(self, wanted: models.Filter | None = None) -> int:
        """Counts points; see `VectorIndex`."""
        return _guarded(self._shard.count, edge.CountRequest(exact=True, filter=edge_dialect.filter_(wanted)))

    async def values(self, name: str, limit: int) -> list[str]:
        """Returns the words of a field; see `VectorIndex`."""
        return [str(hit.value) for hit in _guarded(self._shard.facet, edge.FacetRequest(name, limit)).hits]

    async def close(self) -> None:
        """Closes the shard."""
        self._shard.close()

    def flush(self) -> None:
        """Writes what the log holds into the shard's files. Holds the GIL: not where calls are served."""
        self._shard.flush()

    def finish(self) -> bool:
        """Builds the graph and writes everything to disk. Takes seconds to minutes: only for the build process.

        Returns:
            Whether there was something to optimize.
        """
        optimized = self._shard.optimize()
        self._shard.flush()
        return optimized


def _guarded(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls the engine. Its panics are no `Exception`s and would end whatever task met them."""
    try:
        return call(*args, **kwargs)
    except (Exception, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as panic:
        raise InternalError(f"the vector engine failed: {panic}") from panic


def _dense(vector: object) -> list[float] | None:
    found: list[float] | None = vector.get(IMAGE_VECTOR) if isinstance(vector, dict) else None
    return found  # floats already: hundreds of them are not copied for nothing
