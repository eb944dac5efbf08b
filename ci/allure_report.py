"""One HTML file from a run's Allure results, which asks no other machine for anything.

    python ci/allure_report.py --allure node_modules/.bin/allure reports/latest

Allure 3 builds it without Java. It puts Google's analytics into every report and has no option
against it, so what it built is cleaned, then searched; when a trace is left, there is no report.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SCRIPT = re.compile(r"<script\b[^>]*>.*?</script\s*>", re.DOTALL | re.IGNORECASE)
TRACE = re.compile(
    r"google-analytics|googletagmanager|\bgtag\b|\bdataLayer\b|\bG-[A-Z0-9]{6,}\b|sendBeacon"
)
# scripts and styles lie in the page as base64, where a search of the page would miss a trace
EMBEDDED = re.compile(r"data:text/(?:javascript|css)[^,\"']*;base64,([A-Za-z0-9+/=]+)")
OUTSIDE = re.compile(
    r"<(?:script|link|img|iframe|base)\b[^>]*\b(?:src|href)\s*=\s*[\"']?\s*(?:https?:)?//[^>]*>",
    re.IGNORECASE,
)
# And what we do not know of, the browser refuses: nothing may be loaded or sent but what is inside.
POLICY = (
    "default-src 'none'; script-src data: blob: 'unsafe-inline' 'unsafe-eval';"
    " style-src data: blob: 'unsafe-inline'; img-src data: blob:; font-src data:;"
    " media-src data: blob:; frame-src data: blob:; connect-src data: blob:; form-action 'none'"
)
META = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
HIDDEN = ["host", "thread", "framework", "language", "package"]


class NoReport(Exception):
    """Why there is none."""


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="One HTML file from a run's Allure results.")
    parser.add_argument("run", type=Path, help="folder of a run, with allure-results in it")
    parser.add_argument("--allure", type=Path, required=True, help="the allure 3 command")
    parser.add_argument("--output", type=Path, help="default: reports/allure/RUN.html")
    given = parser.parse_args(words)
    run = given.run.resolve()
    output = given.output or run.parent / "allure" / f"{run.name}.html"
    try:
        page = clean(build(given.allure.resolve(), run / "allure-results", run.name))
    except NoReport as error:
        sys.stderr.write(f"no Allure report: {error}\n")
        return 1
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(page, "utf-8")
    sys.stdout.write(f"{output} ({output.stat().st_size / 1e6:.1f} MB)\n")
    return 0


def build(allure: Path, results: Path, name: str) -> str:
    """Let Allure build the page; from a copy, because the results are sealed evidence."""
    if not list(results.glob("*-result.json")):
        raise NoReport(f"{results} holds no results.")
    with tempfile.TemporaryDirectory(prefix="allure-") as folder:
        # outside the repository: Allure asks git there for the remote's URL and prints it
        work = Path(folder)
        shutil.copytree(results, work / "results")
        for each in (work / "results").glob("*-result.json"):
            each.write_text(json.dumps(unnamed(json.loads(each.read_bytes()))), "utf-8")
        (work / "allurerc.json").write_text(json.dumps(settings(work, results, name)), "utf-8")
        command = [str(allure), "generate", "--config", "allurerc.json", "results"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=300)
        pages = list((work / "report").rglob("index.html"))
        if done.returncode or len(pages) != 1:
            raise NoReport(f"allure ended with {done.returncode}: {done.stderr or done.stdout}")
        return pages[0].read_text("utf-8")


def unnamed(result: dict[str, Any]) -> dict[str, Any]:
    """The result without the machine's name: a hidden label is still in the page's timeline."""
    for label in result.get("labels", []):
        if label.get("name") in ("host", "thread"):
            label["value"] = "drill"
    return result


def settings(work: Path, results: Path, name: str) -> dict[str, Any]:
    """`categories.json` is repeated here: Allure 3 reads that file and does not use it."""
    categories = results / "categories.json"
    return {
        "name": f"Restore drill {name}",
        "output": str(work / "report"),
        "hideLabels": HIDDEN,
        "categories": json.loads(categories.read_bytes()) if categories.is_file() else [],
        "plugins": {
            "awesome": {"options": {"singleFile": True, "groupBy": ["parentSuite", "suite"]}}
        },
    }


def clean(page: str) -> str:
    """The page without its analytics; raises NoReport when a trace of it is left."""
    page = SCRIPT.sub(lambda found: "" if TRACE.search(found[0]) else found[0], page)
    left = traces(page)
    if left:
        raise NoReport(f"after cleaning the page still has {', '.join(left)}.")
    head, found, rest = page.partition("<head>")
    if not found:
        raise NoReport("the page has no <head>.")
    return f"{head}<head>\n    {META}{rest}"


def traces(page: str) -> list[str]:
    """Whatever of the page, or of the scripts in it, would call another machine."""
    inside = [
        base64.b64decode(found[1]).decode("utf-8", "replace") for found in EMBEDDED.finditer(page)
    ]
    found = [match[0] for text in (page, *inside) for match in TRACE.finditer(text)]
    found += [match[0][:120] for match in OUTSIDE.finditer(page)]
    return sorted(set(found))


if __name__ == "__main__":
    sys.exit(main())
