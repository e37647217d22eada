"""`python -m vitrine.cli` is `vitrine`."""

from vitrine.cli import main

main()
