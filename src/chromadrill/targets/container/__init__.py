"""A server in a container of Docker's API, its volume, its limits."""
