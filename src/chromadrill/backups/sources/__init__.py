"""Where production's own backups lie (`[backups.NAME]`): a source lists artefacts, and hands one out."""
