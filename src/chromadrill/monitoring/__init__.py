"""Watching a target from outside."""
