"""What can be bought and who can make it: catalogue, search, ranking, price tiers, ateliers."""
