"""Vectors that a damaged store has lost: lent by another store or embedded again, and proven."""
