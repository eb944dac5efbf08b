"""`record.md`: the fields of `drill.json`, of its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sentences import sentence

from chromadrill.evidence.record import JSON_SCHEMA


def record_page() -> str:
    schema_of_record = json.loads(JSON_SCHEMA.read_text("utf-8"))
    lines = [RECORD, "| field | type | meaning |", "|---|---|---|"]
    for field, node in fields_of(schema_of_record):
        lines.append(f"| `{field}` | {json_type(node)} | {sentence(node['description'])} |")
    return "\n".join(lines) + "\n"


def fields_of(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """`scenarios[].verdicts[].check`, in the schema's order."""
    for name, child in node.get("properties", {}).items():
        yield prefix + name, child
        yield from fields_of(child, f"{prefix}{name}.")
        yield from fields_of(child.get("items", {}), f"{prefix}{name}[].")


def json_type(node: dict[str, Any]) -> str:
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{value or 'null'}`" for value in node["enum"])
    types = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return " or ".join(types)


RECORD = """\
<!-- Made by ci/reference.py from drill.schema.json. -->
# The record: `drill.json`

The record is made from the ledger alone, and written last ([evidence format](evidence.md)). Its
[JSON Schema](../../src/chromadrill/evidence/drill.schema.json) grows only by
adding fields. `null` means "not measured".
"""
