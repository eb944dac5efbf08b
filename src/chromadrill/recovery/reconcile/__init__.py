"""A source against a collection, both ways: read only, in flat memory, while clients write."""
