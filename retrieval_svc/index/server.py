"""The same index on a Qdrant server, for catalogues and replicas that outgrow one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from mesh.errors import UnavailableError
from retrieval_svc.index.edge import GRAPH_FROM_KB, HNSW_CANDIDATES, HNSW_EDGES, ROUGH_QUANTILE
from retrieval_svc.index.schema import IMAGE_VECTOR, PAYLOAD_INDEXES, WORDS_VECTOR
from retrieval_svc.index.vector_index import Hit, IndexQuery, PlainHit, StoredPoint

_NOT_FOUND = 404
_SERVER_ERROR = 500


@contextmanager
def qdrant_failures() -> Iterator[None]:
    """Turns failures of the server that are nobody's mistake into our errors; others pass.

    Raises:
        UnavailableError: INDEX_NOT_READY when the collection is gone, DEPENDENCY_UNAVAILABLE when the server does not
            answer, or cannot serve now.
    """
    try:
        yield
    except UnexpectedResponse as error:
        if error.status_code == _NOT_FOUND:
            text = "the vector engine has lost this index; it is built anew, or another has taken its place"
            raise UnavailableError(text, "INDEX_NOT_READY", retry_after_s=2.0) from error
        if error.status_code is not None and error.status_code < _SERVER_ERROR:
            raise
        raise _away() from error
    except (ResponseHandlingException, ResourceExhaustedResponse) as error:
        raise _away() from error


def _away() -> UnavailableError:
    return UnavailableError(
        "the vector engine does not answer", "DEPENDENCY_UNAVAILABLE", {"dependency": "qdrant"}, retry_after_s=1.0
    )


class QdrantServer:
    """A collection on a server. Every method raises what `qdrant_failures` makes of a server that is away."""

    def __init__(self, client: AsyncQdrantClient, collection: str) -> None:
        self._client = client
        self._collection = collection

    @classmethod
    async def create(
        cls, client: AsyncQdrantClient, collection: str, dimension: int, *, payload_indexes: bool = True
    ) -> QdrantServer:
        """Makes an empty collection with its payload indexes.

        Args:
            client: Connected to the server.
            collection: Its name; it must not exist.
            dimension: How many numbers an image vector has.
            payload_indexes: False where the engine has none (the client's local mode).
        """
        rough = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=ROUGH_QUANTILE, always_ram=True)
        with qdrant_failures():
            await client.create_collection(
                collection,
                vectors_config={IMAGE_VECTOR: models.VectorParams(size=dimension, distance=models.Distance.COSINE)},
                sparse_vectors_config={WORDS_VECTOR: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                hnsw_config=models.HnswConfigDiff(
                    m=HNSW_EDGES, ef_construct=HNSW_CANDIDATES, full_scan_threshold=GRAPH_FROM_KB
                ),
                optimizers_config=models.OptimizersConfigDiff(indexing_threshold=GRAPH_FROM_KB),
                quantization_config=models.ScalarQuantization(scalar=rough),
                on_disk_payload=False,
            )
            for name, kind in PAYLOAD_INDEXES.items() if payload_indexes else ():
                await client.create_payload_index(collection, name, kind, wait=True)
        return cls(client, collection)

    async def upsert(self, points: Sequence[models.PointStruct]) -> None:
        """Stores points; see `VectorIndex`."""
        if points:
            with qdrant_failures():
                await self._client.upsert(self._collection, list(points), wait=True)

    async def delete(self, ids: Sequence[str]) -> None:
        """Removes points; see `VectorIndex`."""
        if ids:
            with qdrant_failures():
                await self._client.delete(self._collection, models.PointIdsList(points=list(ids)), wait=True)

    async def query(self, query: IndexQuery) -> list[Hit]:
        """Returns the best points; see `VectorIndex`."""
        with qdrant_failures():
            answer = await self._client.query_points(
                self._collection,
                query=query.query,
                using=query.using,
                prefetch=list(query.prefetch) or None,
                query_filter=query.filter,
                search_params=query.params,
                limit=query.limit,
                offset=query.offset,
                with_payload=False,
                with_vectors=False,
            )
        return [PlainHit(str(point.id), point.score) for point in answer.points]

    async def retrieve(
        self, ids: Sequence[str], *, fields: Sequence[str] | None = None, with_vector: bool = False
    ) -> dict[str, StoredPoint]:
        """Returns points by id; see `VectorIndex`."""
        if not ids:
            return {}
        payload: bool | list[str] = True if fields is None else list(fields)
        vectors: bool | list[str] = [IMAGE_VECTOR] if with_vector else False
        with qdrant_failures():
            records = await self._client.retrieve(
                self._collection, list(ids), with_payload=payload, with_vectors=vectors
            )
        return {str(item.id): StoredPoint(str(item.id), item.payload or {}, _dense(item.vector)) for item in records}

    async def count(self, wanted: models.Filter | None = None) -> int:
        """Counts points; see `VectorIndex`."""
        with qdrant_failures():
            return (await self._client.count(self._collection, count_filter=wanted, exact=True)).count

    async def values(self, name: str, limit: int) -> list[str]:
        """Returns the words of a field; see `VectorIndex`."""
        with qdrant_failures():
            answer = await self._client.facet(self._collection, name, limit=limit)
        return [str(hit.value) for hit in answer.hits]

    async def close(self) -> None:
        """Nothing to give up: the client belongs to whoever made it."""


def _dense(vector: object) -> list[float] | None:
    found = vector.get(IMAGE_VECTOR) if isinstance(vector, dict) else None
    return None if found is None else [float(value) for value in found]
