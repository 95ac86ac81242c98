"""Imputed columns bound to data."""

from hdsl.compiler import bind_data, compile_model, model_of
from hdsl.source import Source

MODEL = "data y : real\ndata t : positive impute\ny ~ normal(b * t, 1)\nb ~ normal(0, 1)\n"


def codes(rows: str, model: str = MODEL) -> list[str]:
    return [d.code for d in bind_data(model_of(Source(model)), rows).diagnostics]


def test_gaps_are_counted_and_no_error() -> None:
    binding = bind_data(model_of(Source(MODEL)), "y,t\n1,2\n2,\n3,4\n4,NA\n")
    assert binding.sound and binding.facts.sizes["t_row"] == 2


def test_what_is_known_must_keep_its_promises() -> None:
    assert codes("y,t\n1,2\n2,\n3,-4\n5,3\n")[0] == "H913"


def test_a_column_without_any_value_teaches_nothing() -> None:
    assert "H931" in codes("y,t\n1,\n2,\n3,\n")


def test_the_other_predictors_must_be_known() -> None:
    model = MODEL.replace("b * t", "b * t + x").replace("data y", "data y, x")
    assert codes("y,t,x\n1,2,1\n2,,\n3,4,1\n", model) == ["H914"]


def test_a_column_without_gaps_stands_as_it_is() -> None:
    model = model_of(Source(MODEL))
    facts = bind_data(model, "y,t\n1,2\n2,3\n3,4\n").facts
    assert "missing(t)" not in compile_model(model, "numpyro", facts).text
