"""Vision: what is in a picture (persons, garments, attributes, embeddings, faces, bodies, nails)."""
