"""Finding and ranking: the published formula, tiers, certificates."""
