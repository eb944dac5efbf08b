"""Simulators of platforms that we do not own, over HTTP. Never called the real thing."""
