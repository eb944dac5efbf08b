"""Text as it stands in a table of the reference."""

from __future__ import annotations


def sentence(text: str) -> str:
    """With a capital and a full stop, and safe in a table."""
    text = " ".join(text.split()).replace("|", "\\|")
    end = "" if text.endswith((".", "?")) else "."
    return f"{text[:1].upper()}{text[1:]}{end}"


def cell(text: str) -> str:
    return text.replace("|", "\\|")
