"""Vectors that somebody has already: found by their document, proven, and taken over by a rebuild."""
