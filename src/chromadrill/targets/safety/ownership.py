"""The ownership marker: a file in the target's home on the machine that drills.

Not in Chroma: a restore rolls back whatever lies on the volume, the marker with it. The marker says
which deployment it is of, so that it does not vouch for another one under the same name. Beside it
are the server's ids of all collections that drills created there: a name is nobody's proof.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chromadrill.chroma.connection import connect
from chromadrill.core.clock import utc_now
from chromadrill.core.errors import Forbidden, Unavailable
from chromadrill.core.model import JSON, Scope
from chromadrill.core.urls import server_key
from chromadrill.targets.home import SAFETY_FOLDER
from chromadrill.targets.safety.owned_data import list_all_collections, require_may_be_filled
from chromadrill.targets.safety.target_role import TargetRole

NAME = "owner.json"
CREATED_IDS = "made.txt"  # an id a line, appended as it is created (chroma/permissions.py)


def require_owned(at: TargetRole, home: Path) -> JSON:
    """The marker. Raises Refused where there is none, or it is of another deployment."""
    path = home / SAFETY_FOLDER / NAME
    try:
        marker = _marker(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise Forbidden(
            f"{at.target} bears no ownership marker ({path}): no drill has taken it over.",
            next_step=f"An empty one is taken over by chromadrill drill --target {at.target}"
            f" --allow-damage {at.target}",
        ) from None
    except ValueError as error:
        raise Forbidden(f"{path} is no ownership marker: {error}.") from error
    if marker.get("deployment") != _deployment(at):
        raise Forbidden(
            f"{path} is the marker of {marker.get('deployment')}, and {at.target} is"
            f" {_deployment(at)} now: it is not ours.",
            next_step="Give the target another home, if the new deployment is to be drilled.",
        )
    return marker


def created_ids_file(home: Path) -> Path:
    """The file that notes the id of each collection that a drill creates."""
    return home / SAFETY_FOLDER / CREATED_IDS


def created_ids(home: Path) -> frozenset[str]:
    """Ids of the collections that drills created on the deployment."""
    path = created_ids_file(home)
    return frozenset(path.read_text("utf-8").split()) if path.is_file() else frozenset()


def claim_ownership(at: TargetRole, home: Path, scopes: Sequence[Scope]) -> None:
    """Put the marker, if the server is empty or holds only what drills put there.

    Where the marker is already, what others hold there now is for `require_may_be_filled` and
    `require_may_restore`. Raises Refused for a server that holds anything else: nothing is written.
    """
    path = home / SAFETY_FOLDER / NAME
    if path.is_file():
        require_owned(at, home)
        return
    if at.url is None:
        raise Unavailable(f"{at.target} has no url: what it holds cannot be looked at.")
    with connect(at.url) as chroma:
        require_may_be_filled(list_all_collections(chroma, scopes), created_ids(home))
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "deployment": _deployment(at),
        "environment": at.environment,
        "taken_over_at": utc_now(),
    }
    path.write_text(json.dumps(content, indent=1), "utf-8")


def _marker(content: Any) -> JSON:
    """The content, if it has the form of a marker; raises ValueError where it has not."""
    if not isinstance(content, dict) or not isinstance(content.get("deployment"), str):
        raise ValueError("it names no deployment")
    return content


def _deployment(at: TargetRole) -> str:
    return server_key(at.url) if at.url else at.target
