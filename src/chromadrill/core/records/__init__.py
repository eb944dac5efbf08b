"""Tables of records too large for memory: sorted streams, their merging, and where they wait."""
