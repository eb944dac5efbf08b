"""The deployments that a drill may act on, one folder a kind, and the rules of what is allowed."""
