"""Faults that are injected on purpose. Each must be seen afterwards, or it proves nothing."""
