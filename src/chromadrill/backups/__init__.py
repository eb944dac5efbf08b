"""Backup methods: how an artefact is made, described by its manifest, and put back."""
