"""Railway's public GraphQL API: what a drill needs of it, and the traps of it. Knows no target."""
