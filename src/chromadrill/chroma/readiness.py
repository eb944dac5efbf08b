"""The readiness of a server, by real queries: heartbeat and healthcheck never touch storage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromadrill.chroma.access_errors import TEMPORARY
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.model import Scope


def is_ready(url: str, scopes: Sequence[Scope]) -> bool:
    """Whether the server at `url` is up and `answers_queries`; False while nothing answers there.

    Raises CallFailed where the server goes away in between.
    """
    with Chroma(url, timeout_s=10) as chroma:
        try:
            chroma.heartbeat()
        except CallFailed:
            return False
        return answers_queries(chroma, scopes)


def answers_queries(chroma: Chroma, scopes: Sequence[Scope]) -> bool:
    """Whether every collection of `scopes` counts and, where it holds vectors, answers a query.

    A collection that answers an error has *answered*: it will not get better by waiting, so it does
    not hold readiness up. The check suite names it. An answer that asks for patience (429, 502, 503,
    504) is none: a heartbeat may be there long before the data are served. Raises CallFailed where
    nothing answers.
    """
    for scope in scopes:
        try:
            collections = chroma.collections(scope)
        except CallFailed as error:
            if error.status == 0:
                raise
            if error.status in TEMPORARY:
                return False
            continue
        for info in collections:
            try:
                if chroma.count(info) and info.dimension:
                    chroma.query(info, np.ones((1, info.dimension), np.float32), n_results=1)
            except CallFailed as error:
                if error.status == 0:
                    raise
                if error.status in TEMPORARY:
                    return False
    return True
