"""How fast is the harness? Only ratios of two sides measured in one run."""
