"""What is left of a damaged store: pages of its database and bytes of its index, read by themselves."""
