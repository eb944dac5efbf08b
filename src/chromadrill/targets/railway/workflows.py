"""Waiting for what the platform does on its own time, gently: its limits are calls an hour."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from chromadrill.core.clock import now
from chromadrill.core.model import JSON
from chromadrill.targets.railway import graphql
from chromadrill.targets.railway.api import Api, NotAuthorised, PlatformError

T = TypeVar("T")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0


class WorkflowFailed(PlatformError):
    """The platform began, and says that it failed."""


def poll(look: Callable[[], T | None], *, within_s: float, name: str) -> T:
    """Look until there is something, ever less often; raises PlatformError after `within_s`.

    What `look` raises ends it: the client has repeated what is worth repeating.
    """
    started, pause = now(), FIRST_PAUSE_S
    while True:
        result = look()
        if result is not None:
            return result
        if now() - started >= within_s:
            raise PlatformError(f"Railway: gave up after {within_s:g} s waiting for {name}.")
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE_S)


def wait_for_effect(
    api: Api, sent: JSON | None, effect: Callable[[], T | None], *, within_s: float, name: str
) -> T:
    """What the workflow brought about, once it is complete. `sent`: the mutation's answer, or None.

    Where the workflow's id is not known (a lost answer, or null, which the schema allows), or the
    token may not ask for the workflow, the effect alone shows that it is complete. Raises
    WorkflowFailed with the platform's words.
    """
    workflow = str(sent["workflowId"]) if sent and sent["workflowId"] else None
    is_known = workflow is not None and _is_complete(api, workflow, within_s=within_s, name=name)
    try:
        return poll(effect, within_s=within_s, name=name)
    except PlatformError as error:
        if is_known:
            raise
        raise PlatformError(
            f"{error.sentence} Whether it was done is not known.",
            next_step="Look in Railway's dashboard before it is asked for again.",
        ) from error


def _is_complete(api: Api, workflow: str, *, within_s: float, name: str) -> bool:
    """True once it is; False where this token may not ask: the workflow goes on all the same."""

    def look() -> bool | None:
        state = api.run(graphql.WORKFLOW, id=workflow)
        if state["status"] == "Error":
            raise WorkflowFailed(f"Railway: {name} failed: {state['error'] or 'no reason given'}.")
        # NotFound is read-after-write lag: the workflow is there a moment later
        return True if state["status"] == "Complete" else None

    try:
        return poll(look, within_s=within_s, name=name)
    except NotAuthorised:
        return False
