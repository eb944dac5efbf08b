"""A server as a child process: the embedded default, and private copies of other data."""
