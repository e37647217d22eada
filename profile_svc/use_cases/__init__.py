"""What the service does, each use case in one place; servicers call these and nothing else."""
