"""Every way we know to damage a cold data directory, and every change that is no damage."""
