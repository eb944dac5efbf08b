"""Copies of a running server: ways to make one, to be measured. The backup methods use the safe ones."""
