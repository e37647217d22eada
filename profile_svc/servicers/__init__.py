"""The gRPC doors: convert, call one use case, convert."""
