"""The gRPC surface: convert, call one use case, convert."""
