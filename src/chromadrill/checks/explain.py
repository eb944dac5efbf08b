"""What differences mean for on-call, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.core.model import Difference

RECORD_FIELDS = {"document", "metadata", "uri"}


def meaning(differences: Sequence[Difference]) -> str:
    """The likeliest cause and what to do; empty where nothing differs."""
    lost, extra = _ids(differences, "record", "missing"), _ids(differences, "record", "extra")
    vectors = _ids(differences, "vector", "missing")
    fields = {d.field for d in differences if d.kind == "changed"}
    if vectors and not lost:
        return (
            f"vectors of {vectors} records are gone, documents are complete: index files are missing"
            " or damaged; take an older backup, or rebuild the index from the documents"
        )
    if lost and extra:
        return f"{lost} records are gone and {extra} are strange: this is another instant or store"
    if lost:
        return f"{lost} records are gone: an older snapshot, or lost writes; take a newer backup"
    if extra:
        return f"{extra} records are too many: a newer store, or writes after the fingerprint"
    if fields & {"vector"}:
        return "vectors were altered, nothing is missing: do not serve this; take another backup"
    if altered := fields & RECORD_FIELDS:
        return f"{', '.join(sorted(altered))} of records were altered: do not serve this copy"
    if "count" in fields:
        return "the number of records is another: lost writes, or writes after the fingerprint"
    if "id" in fields:
        return "collections have other ids: they were made anew after the fingerprint"
    if fields:
        return f"set otherwise than it was: {', '.join(sorted(fields))}"
    return ""


def _ids(differences: Sequence[Difference], field: str, kind: str) -> int:
    return sum(d.count for d in differences if d.field == field and d.kind == kind)
