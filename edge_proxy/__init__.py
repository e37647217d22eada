"""The edge: one template for Envoy's bootstrap, and the command that renders, checks and runs it."""
