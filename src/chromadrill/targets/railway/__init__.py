"""A service on Railway as a target, by the platform's public GraphQL API, and a simulator of it."""
