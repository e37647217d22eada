"""Words as sparse vectors: BM25 (Robertson and Zaragoza 2009), computed here for both engines.

The document's side holds the term frequencies with saturation and length, the engine adds the inverse document
frequency (modifier IDF) when it scores.
"""

from __future__ import annotations

import qdrant_edge as edge
from qdrant_client import models

# Titles, brands, colours, tags and a sentence or two: about 40 words.
_AVERAGE_WORDS = 40.0


class WordEncoder:
    """Turns text into sparse vectors. English: stop words go, words are stemmed."""

    def __init__(self) -> None:
        self._model = edge.Bm25(edge.Bm25Config(avg_len=_AVERAGE_WORDS, ascii_folding=True))

    def document(self, text: str) -> models.SparseVector:
        """Encodes the text of a product."""
        return _converted(self._model.embed_document(text))

    def query(self, text: str) -> models.SparseVector:
        """Encodes the words of a search; empty when all of them are stop words."""
        return _converted(self._model.embed_query(text))


def _converted(vector: edge.SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices, values=vector.values)
