"""Any platform, by its own commands in drill.toml."""
