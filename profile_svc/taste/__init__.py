"""Taste, computed from an append-only log of what somebody was seen to wear. Pure: no I/O, no protobuf, no clock."""
