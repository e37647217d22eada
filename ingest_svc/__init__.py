"""Everything that comes in: live streams, captures, try-on sessions; the jobs and the worker; blur; erasure."""
