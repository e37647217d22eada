"""The doors of ingest: gRPC, WebSocket and HTTP. They convert, call one use case, and convert."""
