"""chromadrill: restore drills for ChromaDB. The engine: knows neither pytest nor locust."""

from importlib.metadata import version

__version__ = version("chromadrill")
