"""People: who stands where in a picture, how they hold themselves, and which pixels are theirs."""
