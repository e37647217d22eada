"""The engines and the whole mesh on one machine, without containers.

PostgreSQL and Envoy come from wheels; every service runs as a process of its own, just as it would elsewhere.
"""
