"""Renders the record of a run; judges nothing."""
