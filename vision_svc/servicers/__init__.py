"""The doors of vision: convert, call one use case, convert."""
