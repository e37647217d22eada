"""The catalogue: what a product is, how rows become products."""
