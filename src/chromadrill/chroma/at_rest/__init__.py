"""A data directory without a server: records, vectors and structure. Nothing is written."""

from chromadrill.chroma.at_rest.database import StoreUnknown, StoreUnreadable
from chromadrill.chroma.at_rest.store import Store

__all__ = ["Store", "StoreUnknown", "StoreUnreadable"]
