"""chromadrill: restore drills for ChromaDB. The engine: knows neither pytest nor locust."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module 'chromadrill' has no attribute '{name}'")
    from importlib.metadata import version  # slow, and needed by few

    return version("chromadrill")
