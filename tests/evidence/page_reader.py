"""The page of a sample record, and a reader of it that fails where it is not well formed."""

from html.parser import HTMLParser

from chromadrill.evidence.report.html import page
from tests.evidence.sample_records import (
    FAULTS,
    SAMPLES,
    history,
)

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}


class Reader(HTMLParser):
    """Fails where tags do not close in order; keeps tags, ids and visible text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.ids = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def render(name):
    return page(SAMPLES[name](), history(), faults=FAULTS)


NASTY = "<script>alert('x')</script>\"&"


def nastily(value):
    """The same record with markup in every text."""
    if isinstance(value, dict):
        return {key: nastily(item) for key, item in value.items()}
    if isinstance(value, list):
        return [nastily(item) for item in value]
    return NASTY if isinstance(value, str) else value
