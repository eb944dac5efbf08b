"""The picture of a load run: whole SVG, no script, outages marked in words and patterns."""

from xml.etree import ElementTree

from chromadrill.evidence.report.latency_chart import latency_chart

SVG = "{http://www.w3.org/2000/svg}"


def parse(text):
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def draw(points, windows=(), **more):
    return latency_chart(points, windows, title="a <run> & more", **more)


def test_outages_are_shaded_and_named_and_the_limit_is_drawn():
    points = [(n / 10, 5.0, "right") for n in range(300)]
    text = draw(points, [(10.0, 14.0, "error"), (20.0, 21.0, "wrong")], limit_ms=500.0)
    tree = parse(text)
    shaded = [rect for rect in tree.iter(f"{SVG}rect") if rect.get("class") == "window"]
    assert [rect.get("fill") for rect in shaded] == ["url(#latency-error)", "url(#latency-wrong)"]
    assert "error 4.0 s" in text
    assert "limit 500 ms" in text
    assert "<script" not in text
    assert "prefers-color-scheme: dark" in text


def test_a_higher_latency_is_drawn_higher():
    points = [(n / 10, 5.0 if n < 150 else 900.0, "right") for n in range(300)]
    tree = parse(draw(points))
    (line,) = tree.iter(f"{SVG}polyline")
    heights = [float(pair.split(",")[1]) for pair in line.get("points").split()]
    assert heights[0] > heights[-1] + 50


def test_where_nothing_was_answered_no_line_is_drawn():
    points = [(n / 10, 5.0, "right") for n in range(300) if not 100 <= n < 200]
    tree = parse(draw(points))
    assert len(list(tree.iter(f"{SVG}polyline"))) == 2


def test_a_run_without_samples_is_drawn_too():
    parse(draw([]))
