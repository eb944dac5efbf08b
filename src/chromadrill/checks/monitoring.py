"""Was anything wrong while the monitor watched, and does an alert come in time? Pure functions."""

from __future__ import annotations

from chromadrill.model import JSON, Difference, Verdict


def rule_held(
    name: str,
    *,
    fired: int,
    firing: bool,
    lost: int,
    seen: bool,
    pending: bool,
    detail: str,
) -> Verdict:
    """PASS only where the rule's signal was seen all the time, good at the end, and never alerted.

    `lost`: how often nothing was to be seen for too long. `pending`: bad at the end, not for long
    enough to alert.
    """
    said = f": {detail}" if detail else ""
    if fired:
        state = "fires now" if firing else "fired and cleared"
        return Verdict.failed(name, f"{state}, {fired} times{said}", actual=float(fired), limit=0.0)
    if not seen:
        return Verdict.unknown(name, f"nothing was to be seen of it{said}")
    if lost:
        return Verdict.unknown(name, f"for a time nobody saw it, {lost} times{said}")
    if pending:
        return Verdict.unknown(name, f"bad at the end, not for long enough to alert{said}")
    return Verdict.passed(name, "never fired", actual=0.0, limit=0.0)


def detected(
    name: str, after_s: float | None, limit_s: float, *, time_scale: float, detail: str
) -> Verdict:
    """The alert came, and in time; `time_scale` shortened the rule's waits."""
    check = f"{name} detected"
    if after_s is None:
        return Verdict.failed(check, "the alert never fired", limit=limit_s, unit="s")
    sentence = (
        f"fired {after_s:.1f} s after the fault of {limit_s:.1f} s"
        f" (waits at {time_scale:g} of their length): {detail}"
    )
    maker = Verdict.passed if after_s <= limit_s else Verdict.failed
    return maker(check, sentence, actual=round(after_s, 3), limit=limit_s, unit="s")


def paged_once(name: str, fired: int, cleared: int, *, firing: bool) -> Verdict:
    """One fault is one page and one all-clear."""
    check = f"{name} cleared"
    sentence = f"fired {fired} times, cleared {cleared} times"
    good = fired == 1 and cleared == 1 and not firing
    return (Verdict.passed if good else Verdict.failed)(
        check, sentence, actual=float(fired), limit=1.0, unit="pages"
    )


def quiet(names: list[str]) -> Verdict:
    """No other alert fired than those that the fault explains."""
    if names:
        return Verdict.failed("no other alert", f"fired too: {', '.join(sorted(names))}")
    return Verdict.passed("no other alert", "none")


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH"}


# ---- Better Stack -------------------------------------------------------------------------------
def differing(found: JSON, wanted: JSON) -> JSON:
    """The attributes of `wanted` (names with "_" left out) that `found` does not have so."""
    return {
        name: value
        for name, value in wanted.items()
        if not name.startswith("_") and _plain(found.get(name)) != _plain(value)
    }


def _plain(value: object) -> object:
    """A method may be answered in small letters; addresses and names are not touched."""
    return value.upper() if isinstance(value, str) and value.upper() in METHODS else value


def as_wanted(check: str, found: JSON | None, wanted: JSON, *, instead: str = "") -> Verdict:
    """An object of the monitoring service exists and is set as the rules want it."""
    if found is None:
        return Verdict.failed(check, "there is none" + (f"; {instead}" if instead else ""))
    wrong = differing(found, wanted)
    if not wrong:
        return Verdict.passed(check, f"as the rules want it ({len(wanted)} settings)")
    differences = tuple(
        Difference(check, name, "changed", before=_text(value), after=_text(found.get(name)))
        for name, value in wrong.items()
    )
    said = ", ".join(f"{d.field} is {d.after}, wanted {d.before}" for d in differences)
    return Verdict.failed(check, said, differences=differences)


def _text(value: object) -> str:
    return str(value)[:200]


def ever_pinged(check: str, found: JSON | None) -> Verdict:
    """A heartbeat that nobody ever pinged is silent for ever."""
    if found is None:
        return Verdict.failed(check, "there is no heartbeat to ping")
    status = found.get("status")
    if status == "pending":
        return Verdict.failed(check, "it is pending: nobody ever pinged it, so it never alerts")
    if status in ("up", "down"):
        return Verdict.passed(check, f"it was pinged, and is {status}")
    return Verdict.unknown(check, f"its status is '{status}'")


def escalates(
    check: str, policy: JSON | None, members: list[JSON], missing: list[str], contacts: int
) -> Verdict:
    """The policy calls every contact, in their order, whatever it does between them.

    `missing`: contacts of whom nobody said what they are called there.
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
    absent = [m for m in members if not any(_same(m, each) for each in rest)]
    unsaid = [m for m in absent if "email" in m and not any(e.get("email") for e in called)]
    if unsaid and any(each.get("type") == "user" for each in called):
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
    still = [each for each in incidents if not each.get("resolved_at")]
    if still:
        names = ", ".join(sorted({str(each.get("name")) for each in still}))
        return Verdict.failed(check, f"{len(still)} open: {names}", actual=float(len(still)))
    return Verdict.passed(check, "none is open", actual=0.0)


def page_seen(check: str, after_s: float | None, limit_s: float, *, by: str) -> Verdict:
    """The paging service did what our ping asked of it; `by` says whether it was the real one."""
    if after_s is None:
        return Verdict.failed(check, f"not within {limit_s:g} s ({by})", limit=limit_s, unit="s")
    return Verdict.passed(
        check, f"after {after_s:.1f} s ({by})", actual=round(after_s, 3), limit=limit_s, unit="s"
    )
