"""Copies of a running server: methods to make one, to be measured. Backups use the safe ones."""
