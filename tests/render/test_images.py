"""SVG, PNG and PDF through Graphviz: well formed, accessible, safe, the same every time."""

import os
import re
import struct
import subprocess
import sys
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hdsl.diagnostics.diagnostic import ModelError
from hdsl.render import render
from hdsl.render.fonts import configuration, matplotlib_fonts
from hdsl.render.render import VIEWS
from tests.render import models

SVG = "{http://www.w3.org/2000/svg}"
PAIRS = list(product(models.CASES, VIEWS))


def _svg(name, view):
    make, facts = models.CASES[name]
    return render(make(), view, "svg", facts() if facts else None)


@pytest.mark.parametrize(("name", "view"), PAIRS)
def test_svg_is_accessible_and_inert(name, view):
    root = ElementTree.fromstring(_svg(name, view))
    make, _ = models.CASES[name]
    title = make().title or "Diagram of the model"
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert root[0].text == title.replace("\n", " ")
    assert root.get("aria-labelledby") == f"{root[0].get('id')} {root[1].get('id')}"
    assert (root[1].text or "").strip()
    tags = {element.tag for element in root.iter()}
    drawn = {"svg", "g", "title", "desc", "polygon", "path", "text", "ellipse", "polyline"}
    assert tags <= {SVG + tag for tag in drawn}
    names = {attribute for element in root.iter() for attribute in element.attrib}
    assert not [name for name in names if name.lower().startswith("on") or "href" in name]


def _texts(svg):
    root = ElementTree.fromstring(svg)
    return [" ".join((element.text or "").split()) for element in root.iter(f"{SVG}text")]


def test_svg_holds_the_names_and_distributions():
    texts = _texts(_svg("region", "model"))
    wanted = ["alpha", "beta", "nu", "sigma", "log_p", "log_q", "median_income", "gamma(20, 3)"]
    assert set(wanted) <= set(texts)
    assert "2,379 rows" in texts
    assert "halfnormal(0.5)" in texts


def test_svg_shows_hostile_text_as_it_is():
    texts = _texts(_svg("hostile", "model"))
    assert 'x "<script>alert(1)</script>" & \\N 😀 end' in texts
    assert 'a "b" <c>' in texts
    labels = " ".join(_texts(_svg("hostile", "levels")))
    for label in models.hostile_facts().labels['a "b" <c>']:
        assert " ".join(label.split()) in labels


def test_svg_has_a_white_ground():
    root = ElementTree.fromstring(_svg("radon", "model"))
    ground = next(element for element in root.iter() if element.tag == f"{SVG}polygon")
    assert ground.get("fill") == "white"


@pytest.mark.parametrize("form", ["svg", "png"])
def test_pictures_are_the_same_every_time(form):
    first = render(models.nested(), "model", form, models.nested_facts())
    assert render(models.nested(), "model", form, models.nested_facts()) == first


@pytest.mark.parametrize(("name", "view"), PAIRS)
def test_png_has_a_readable_size(name, view):
    make, facts = models.CASES[name]
    png = render(make(), view, "png", facts() if facts else None)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert 150 < width < 4000
    assert 150 < height < 4000
    assert len(png) > 3000


def test_pdf_is_one_page():
    pdf = render(models.radon(), "model", "pdf")
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_text_is_as_wide_as_its_frame_on_a_machine_without_fonts(tmp_path):
    """With matplotlib's fonts alone, every picture is the one that is drawn here."""
    fonts = matplotlib_fonts()
    assert fonts is not None
    alone = tmp_path / "fonts.conf"
    own = f"<dir>{fonts}</dir>"
    text = configuration(fonts)
    others = re.findall(r"  <dir[ >].*</dir>\n", text)
    alone.write_text(
        re.sub(r"  <dir[ >].*</dir>\n", "", text).replace("<fontconfig>", f"<fontconfig>{own}")
    )
    assert len(others) > 1
    script = (
        "import sys; from hdsl.render import render; from tests.render import models;"
        "svg = render(models.radon(), 'model', 'svg', models.radon_facts());"
        "sys.stdout.buffer.write(svg.encode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "FONTCONFIG_FILE": str(alone)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == _svg("radon", "model")
    assert done.stderr == b""


def test_without_pygraphviz_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(ModelError) as raised:
        render(models.radon(), "model", "svg")
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "H501"
    assert diagnostic.help == 'pip install "pygraphviz>=2.0.4"'
    assert render(models.radon(), "model", "dot").startswith("digraph")


def test_text_forms_import_neither_graphviz_nor_a_sampler():
    script = (
        "import sys; from hdsl.render import render; from tests.render import models;"
        "[render(models.radon(), 'model', form) for form in ('dot', 'mmd', 'txt')];"
        "heavy = 'pygraphviz networkx numpy jax numpyro pymc arviz matplotlib polars'.split();"
        "sys.exit(' '.join(name for name in heavy if name in sys.modules) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert (done.stderr, done.returncode) == ("", 0)
