"""Which databases of an export are restored, and where to: the words of `--scope`, and their meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chromadrill.backups.export.types import Reader
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Scope

Places = Mapping[Scope, Scope]  # a database of the export: the database that it becomes


def places_named(export: Reader, texts: Sequence[str]) -> Places:
    """Return what `--scope`, typed once for each of `texts`, asks for; all of it where it was for none.

    `TENANT/DATABASE` of the export: this one is restored, where it was. `FROM=TO`: this one is restored
    as another. One `TENANT/DATABASE` that the export does not hold: everything goes there. Raises
    UsageError for anything else, as for a FROM=TO whose FROM is misspelt.
    """
    held = scopes_of(export)
    if not texts:
        return {scope: scope for scope in held}
    if len(texts) == 1 and _move(texts[0], held) is None and not _is_move(texts[0]):
        return all_to(export, _scope(texts[0]))
    places: dict[Scope, Scope] = {}
    for text in texts:
        move = _move(text, held)
        if move is None:
            known = ", ".join(map(str, held)) or "none"
            raise UsageError(
                f"--scope {text}: the export holds no such database. It holds: {known}. Write FROM=TO"
                " to restore one of them as another."
            )
        if move[0] in places:
            raise UsageError(f"--scope {text}: {move[0]} is named twice.")
        places[move[0]] = move[1]
    return places


def all_to(export: Reader, scope: Scope) -> Places:
    """Return the places that bring everything into one database."""
    return dict.fromkeys(scopes_of(export), scope)


def scopes_of(export: Reader) -> list[Scope]:
    """Return the databases of an export, those without collections too."""
    print_ = export.fingerprint
    return sorted({*print_.scopes, *(one.info.scope for one in print_.collections.values())})


def _move(text: str, held: Sequence[Scope]) -> tuple[Scope, Scope] | None:
    """From where to where; None where `text` begins with no database of the export."""
    names = {str(scope): scope for scope in held}
    if text in names:
        return names[text], names[text]
    # the name of a tenant may hold "=" too
    for at in (at for at, letter in enumerate(text) if letter == "="):
        if text[:at] in names:
            return names[text[:at]], _scope(text[at + 1 :])
    return None


def _is_move(text: str) -> bool:
    """Whether both sides of some "=" are databases: where the first one is unknown, it is misspelt."""
    sides = [(text[:at], text[at + 1 :]) for at, letter in enumerate(text) if letter == "="]
    return any("/" in one and "/" in other for one, other in sides)


def _scope(text: str) -> Scope:
    try:
        return Scope.parse(text)
    except ValueError as error:
        raise UsageError(f"--scope: {error}") from error
