"""H5xx: what a backend, or this version, cannot do."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "H501",
        Severity.ERROR,
        "a package for pictures is missing",
        "SVG, PNG and PDF are drawn by Graphviz, which the wheels of pygraphviz carry: no system "
        '`dot` is needed, only `pip install "pygraphviz>=2.0.4"`. The forms `dot`, `mmd` and '
        "`txt` need nothing but Python.",
        bad="",
        good="",
        proof="tests/render/test_images.py::test_without_pygraphviz_one_line_says_what_to_install",
    ),
    Entry(
        "H510",
        Severity.ERROR,
        "not in this version",
        "The language has this construct and this version of the compiler does not: nothing is "
        "compiled rather than something else than what was written.",
        "data y, x, z : real\ndata X = [x, z]\ny ~ normal(X @ theta, sigma)\ntheta[X] ~ region\n",
        "data y, x, z : real\ny ~ normal(a * x + b * z, sigma)\na, b ~ region\n",
    ),
)
