"""H98x: outcomes that are labels."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

_RATING = "data rating : ordered {low, mid, high}\ndata x : real\nrating ~ orderedlogistic(b * x)\n"
_RATING += "b ~ normal(0, 1)\n"
_ROWS = "rating,x\nlow,1.5\nmid,0.5\nhigh,2.5\nlow,0.1\n"

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "H980",
        Severity.ERROR,
        "an outcome with one label",
        "An outcome that is the same in every row teaches nothing of what it depends on.",
        _RATING,
        _RATING,
        rows=_ROWS.replace("mid", "low").replace("high", "low"),
        good_rows=_ROWS,
    ),
    Entry(
        "H981",
        Severity.ERROR,
        "labels without an order",
        "An ordered outcome has labels in an order. Numbers have one of their own; of words the "
        "model lists them: `data rating : ordered {low, mid, high}`.",
        _RATING.replace(" {low, mid, high}", ""),
        _RATING,
        rows=_ROWS,
    ),
)
