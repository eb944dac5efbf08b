"""Is the monitoring service set as the rules want it? Pure functions of what its API answers."""

from __future__ import annotations

from chromadrill.core.model import JSON, Difference, Verdict

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH"}


def different_attributes(current: JSON, wanted: JSON) -> JSON:
    """The attributes of `wanted` that `current` has otherwise; none that begin with "_"."""
    return {
        name: value
        for name, value in wanted.items()
        if not name.startswith("_") and _plain(current.get(name)) != _plain(value)
    }


def _plain(value: object) -> object:
    """A method may be answered in small letters; addresses and names are not touched."""
    return value.upper() if isinstance(value, str) and value.upper() in METHODS else value


def set_as_wanted(check: str, current: JSON | None, wanted: JSON, *, instead: str = "") -> Verdict:
    """An object of the monitoring service exists and is set as the rules want it."""
    if current is None:
        return Verdict.failed(check, "there is none" + (f"; {instead}" if instead else ""))
    wrong = different_attributes(current, wanted)
    if not wrong:
        return Verdict.passed(check, f"as the rules want it ({len(wanted)} settings)")
    differences = tuple(
        Difference(check, name, "changed", before=_text(value), after=_text(current.get(name)))
        for name, value in wrong.items()
    )
    message = ", ".join(f"{d.field} is {d.after}, wanted {d.before}" for d in differences)
    return Verdict.failed(check, message, differences=differences)


def _text(value: object) -> str:
    return str(value)[:200]


def heartbeat_pinged(check: str, current: JSON | None) -> Verdict:
    """A heartbeat that nobody ever pinged is silent for ever."""
    if current is None:
        return Verdict.failed(check, "there is no heartbeat to ping")
    status = current.get("status")
    if status == "pending":
        return Verdict.failed(check, "it is pending: nobody ever pinged it, so it never alerts")
    if status == "up":
        return Verdict.passed(check, "it was pinged, and is up")
    if status == "down":
        return Verdict.failed(check, "it is down: the newest backup failed, or none came in time")
    return Verdict.unknown(check, f"its status is '{status}'")


def escalates(
    check: str, policy: JSON | None, members: list[JSON], missing: list[str], contacts: int
) -> Verdict:
    """The policy calls every contact, in their order, whatever it does between them.

    `missing`: contacts whose name at the service nobody gave.
    """
    if not contacts:
        return Verdict.unknown(check, "[contacts] names nobody: there is no order to compare with")
    if policy is None:
        return Verdict.failed(check, "it has no escalation policy")
    called = [
        member
        for step in policy.get("steps") or ()
        if step.get("type") == "escalation"
        for member in step.get("step_members") or ()
    ]
    rest = iter(called)
    absent = [m for m in members if not any(_same(m, member) for member in rest)]
    unsaid = [m for m in absent if "email" in m and not any(e.get("email") for e in called)]
    if unsaid and any(member.get("type") == "user" for member in called):
        return Verdict.unknown(
            check,
            f"it names users by id and not by e-mail: is {unsaid[0]['email']} among {called}?"
            " Write user:ID in [monitoring] escalation",
        )
    if absent:
        return Verdict.failed(
            check, f"not called, or not in the order of [contacts]: {absent[0]}; it calls {called}"
        )
    if missing:
        return Verdict.unknown(
            check,
            f"what {', '.join(missing)} of [contacts] is called there is not known: name it in"
            " [monitoring] escalation",
        )
    return Verdict.passed(check, f"{len(members)} contacts in their order", unit="contacts",
                          actual=float(len(members)))  # fmt: skip


def _same(wanted: JSON, member: JSON) -> bool:
    return all(str(member.get(key)) == str(value) for key, value in wanted.items())


def no_open_incident(check: str, incidents: list[JSON]) -> Verdict:
    """Nobody is being called about this service right now."""
    unresolved = [incident for incident in incidents if not incident.get("resolved_at")]
    if unresolved:
        names = ", ".join(sorted({str(incident.get("name")) for incident in unresolved}))
        return Verdict.failed(
            check, f"{len(unresolved)} open: {names}", actual=float(len(unresolved))
        )
    return Verdict.passed(check, "none is open", actual=0.0)
