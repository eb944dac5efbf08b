"""A logical backup: records, types and settings read over the API, in files that others can read."""
