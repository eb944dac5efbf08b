"""Fill a server that is not ours with the dataset, and empty it again: only where drills alone are."""

from __future__ import annotations

from collections.abc import Collection

from chromadrill.chroma.client import Chroma
from chromadrill.targets.safety.owned_data import list_all_collections, require_may_be_filled
from chromadrill.workload.data.standard import Dataset


def fill(chroma: Chroma, dataset: Dataset, made: Collection[str]) -> None:
    """The dataset, and nothing else, is there afterwards. `made`: ids of what drills made there.

    Raises Refused, before anything is written, for a server that holds what no drill put there.
    """
    there = list_all_collections(chroma, dataset.scopes)
    require_may_be_filled(there, made)
    for each in there:
        chroma.delete_collection(each.scope, each.name)
    dataset.load(chroma)
