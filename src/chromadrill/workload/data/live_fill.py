"""Fill a live server with the dataset, where it holds nothing but what drills put there."""

from __future__ import annotations

from collections.abc import Collection

from chromadrill.chroma.client import Chroma
from chromadrill.targets.safety.owned_data import list_all_collections, require_may_be_filled
from chromadrill.workload.data.standard import Dataset


def fill(chroma: Chroma, dataset: Dataset, created_ids: Collection[str]) -> None:
    """The dataset, and nothing else, is there afterwards. `created_ids`: of what drills created there.

    Raises Refused, before anything is written, for a server that holds what no drill put there.
    """
    present = list_all_collections(chroma, dataset.scopes)
    require_may_be_filled(present, created_ids)
    for info in present:
        chroma.delete_collection(info.scope, info.name)
    dataset.load(chroma)
