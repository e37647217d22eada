"""What the user has told us: name, preferences, consents, webhook. Pure: no I/O, no protobuf, no clock."""
