"""Puts a running server's index files on the disk: the server itself never does (measured, 1.5.9)."""
