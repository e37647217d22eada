"""Handling pictures without knowing what they mean: decoding with limits, geometry, colour, model files, faces."""
