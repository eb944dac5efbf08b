"""The page of public incidents, made from the table that `pytest -m incidents` runs."""

from __future__ import annotations

from chromadrill.disasters.catalogue.faults import FAULT_SPECS
from chromadrill.disasters.catalogue.incidents import INCIDENTS

HEAD = """\
<!-- Made by ci/reference.py from disasters/catalogue/incidents.py. -->
# Track record

What people reported in public, of Chroma and of what is built on it, rebuilt as a fault of the
[catalogue](../concepts/proof.md). `pytest -m incidents` injects each into a store and demands that
`chromadrill validate --path` says so by the check named here. The threads are told by their
reporters. A change is not complete while one of them is no longer caught.

| incident | what people saw | rebuilt as | caught by | since | threads |
|---|---|---|---|---|---|
"""


def track_record_page() -> str:
    what = {spec.name: spec.what for spec in FAULT_SPECS}
    rows = [
        f"| {incident.name} | {incident.symptom} | {what[incident.fault]} | {incident.check} |"
        f" {incident.since} | {', '.join(incident.sources)} |"
        for incident in INCIDENTS
    ]
    return HEAD + "\n".join(rows) + f"\n\n{len(INCIDENTS)} incidents.\n"
