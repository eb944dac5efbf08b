"""Fingerprints: what a database holds and how it answers, read live or at rest, kept in one file."""
