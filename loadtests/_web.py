"""Our verdict on locust's page: a bar at its foot, and a page of its own with the chart."""

from __future__ import annotations

from html import escape

from _session import Session
from flask import Response, request
from locust.web import WebUI

from chromadrill.evidence.report.load_report import headline, lines
from chromadrill.workload.load import results

BAR = (
    '<iframe src="./verdict?bar" title="verdict of the load run" style="position:fixed;bottom:0;'
    'left:0;width:100%;height:44px;border:0;z-index:2000"></iframe></body>'
)
COLOURS = {"pass": "#146c2e", "fail": "#a81c14", "unknown": "#744a00"}
STYLE = (
    "body{margin:0;font:16px system-ui,sans-serif;background:#fff;color:#1a1d21}"
    "main{padding:16px}pre{white-space:pre-wrap}"
)


def add_page(web_ui: WebUI, session: Session) -> None:
    """`/verdict`; `/verdict?bar` is one line of it, renewed every two seconds."""

    @web_ui.app.route("/verdict")
    @web_ui.auth_required_if_enabled
    def verdict() -> str:
        return _page(session, bar="bar" in request.args)

    @web_ui.app.after_request
    def with_bar(response: Response) -> Response:
        if request.path == "/" and response.mimetype == "text/html":
            response.set_data(response.get_data(as_text=True).replace("</body>", BAR))
        return response


def _page(session: Session, *, bar: bool) -> str:
    result = session.result
    if not session.is_idle:
        colour, text = "#37474f", f"profile {session.plan.profile} is running"
    elif result is None:
        colour, text = "#37474f", "no run yet"
    else:
        colour, text = COLOURS[result["outcome"]], headline(result)
    link = ' <a href="./verdict" target="_blank" style="color:#fff">all of it</a>' if bar else ""
    body = (
        f'<div id="verdict" style="background:{colour};color:#fff;padding:11px 16px;font-weight:600;'
        f'white-space:nowrap;overflow:hidden;text-overflow:ellipsis">{escape(text)}{link}</div>'
    )
    if result is not None and not bar:
        chart = results.draw_latency(result, session.samples)
        body += f"<main>{chart}<pre>{escape(_text(session))}</pre></main>"
    # what is final on a page of its own stays: a reader scrolls in it
    renewed = '<meta http-equiv="refresh" content="2">' if bar or not session.is_idle else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>verdict</title>'
        f"{renewed}<style>{STYLE}</style></head><body>{body}</body></html>"
    )


def _text(session: Session) -> str:
    return "\n".join(lines(session.result or {}))
