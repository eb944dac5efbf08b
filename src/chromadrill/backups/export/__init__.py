"""Exports: records, types and settings read via the API, in files that other tools can read."""
