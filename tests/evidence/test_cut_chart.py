"""The picture of power cuts."""

from xml.etree import ElementTree

from chromadrill.core.model import CutClass
from chromadrill.evidence.report.cut_chart import SHAPES, cut_chart

SVG = "{http://www.w3.org/2000/svg}"


def test_every_class_has_a_shape_and_every_cut_a_place():
    assert set(SHAPES) == {str(name) for name in CutClass}
    points = [(0.5, 1.5, str(name)) for name in CutClass]
    svg = ElementTree.fromstring(cut_chart([*points, (1.0, None, "WHOLE")], title="cuts & more"))  # noqa: S314
    assert len(svg.findall(f"{SVG}path")) == 2 * len(CutClass)  # each, and its legend
    assert "6 cuts after an index flush, of 7" in svg.find(f"{SVG}desc").text
