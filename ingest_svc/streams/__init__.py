"""Live streams: which frames matter, what became of each, and sessions that outlive their connection."""
