"""Backups: methods that make an artefact, its manifest, where it is kept, and how it is put back."""
