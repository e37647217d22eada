"""Captures: photos with a purpose, from the picture that comes in to the result that is kept."""
