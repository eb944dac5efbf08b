"""The embedders: what makes vectors of texts, and how one model is told from another."""
