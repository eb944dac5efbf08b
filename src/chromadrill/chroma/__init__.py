"""Chroma itself: the HTTP API of a running server, and the files of one at rest."""
