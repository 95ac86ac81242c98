"""Models and data from text, bound, for the tests of this folder and of the advice."""

from collections.abc import Mapping

from hdsl.compiler import check_source
from hdsl.data.bind import Binding, bind
from hdsl.data.read import parse_csv
from hdsl.ir.model import Model
from hdsl.source import Source


def model_of(text: str) -> Model:
    """The model of a text that has no errors."""
    model, found = check_source(Source(text, "model.hdsl"))
    assert model is not None, [d.headline for d in found]
    return model


def bound(text: str, rows: str, tables: Mapping[str, str] | None = None) -> Binding:
    """A model and CSV texts, bound."""
    read = {level: parse_csv(table) for level, table in (tables or {}).items()}
    return bind(model_of(text), parse_csv(rows), read)


def codes(binding: Binding) -> list[str]:
    """The codes of a binding's diagnostics, in order of appearance."""
    return [d.code for d in binding.diagnostics]
