"""What binding reads is what the generated `prepare` reads: groups, labels, columns.

Advice and checks go by the binding, the fit by `prepare`: the two must not differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from hdsl.compiler import compile_model
from hdsl.data.bind import Binding
from hdsl.expr import ROW
from hdsl.ir.model import Data
from hdsl.ir.uses import expressions, values
from tests.data.binding import bound


@dataclass(frozen=True)
class Case:
    """A model with its data."""

    text: str
    rows: str
    tables: Mapping[str, str] = field(default_factory=dict)


SCHOOLS = "school,class,size,y,x\nb,1,20,1,0.5\nb,2,30,2,1.5\na,1,25,3,2\na,10,15,4,7\nb,1,20,6,1\n"

CASES = {
    "natural order": Case(
        "level region\ndata y : real\ny ~ normal(alpha, sigma)\nalpha ~ region\n",
        "region,y\nw10,1\nw9,2\nW2,3\nw10,4\n-2,5\n-10,6\n007,7\n1.5,8\na b,9\n",
    ),
    "nested, labels repeat": Case(
        "level class in school\ndata y, x : real\ndata size : real per class\n"
        "y ~ normal(alpha + beta * x, sigma)\nalpha ~ school / class | size\nbeta ~ school\n",
        SCHOOLS,
    ),
    "nested, from a table": Case(
        "level class in school\ndata y, x : real\ndata room : real per class\n"
        "y ~ normal(alpha + beta * x, sigma)\nalpha ~ school / class | room\nbeta ~ school\n",
        SCHOOLS,
        {"class": "room,class,school\n5,10,a\n6,1,a\n7,2,b\n8,1,b\n9,1,z\n"},
    ),
    "nested, labels unique": Case(
        "level class in school\ndata y, x : real\n"
        "y ~ normal(alpha + beta * x, sigma)\nalpha ~ school / class\nbeta ~ class\n",
        SCHOOLS.replace("b,1,", "b,7,"),
    ),
    "ordered, crossed": Case(
        "level size ordered\nlevel color\ndata y : real\ny ~ normal(alpha + gamma, sigma)\n"
        "alpha ~ size\ngamma ~ 0 + color : size\n",
        "size,color,y\nlow,red,1\nhigh,red,2\nmid,blue,3\nlow,blue,4\nhigh,blue,9\nlow,red,2\n",
    ),
    "ordered by number": Case(
        "level week ordered\ndata y : real\ny ~ normal(alpha, sigma)\nalpha ~ week\n",
        "week,y\n10,1\n9,2\n-1,3\n10,4\n",
    ),
    "dropped rows, missing outcomes": Case(
        "level region\ndata y : real\ndata x : real drop\n"
        "y ~ normal(alpha + beta * x, sigma)\nalpha ~ region\nbeta ~ 1\n",
        "region,y,x\na,1,1\nb,2,\na,,4\nc,4,NA\nd,9,2\n",
    ),
    "derived data": Case(
        "level region\ndata y, price : real\ndata open : binary\ndata sex : factor\n"
        "data income : real per region\ndata z_income = standardize(income) per region\n"
        "data log_p = center(log(price))\ndata f = (sex == \"f\") * open\n"
        "data w = where(price > 2, price - mean(price), min(price))\n"
        "y ~ normal(alpha + beta * log_p + gamma * f + delta * w, sigma)\n"
        "alpha ~ region | z_income\nbeta, gamma, delta ~ normal(0, 1)\n",
        "region,y,price,open,sex,income\na,1,1.5,true,f,3\na,2,2.5,false,m,3\nb,3,7,true,f,9\n"
        "c,5,3,true,m,4\nc,4,2,false,f,4\n",
    ),
    "whole floats": Case(
        "level g from dose\ndata y, dose : real\ny ~ normal(alpha + beta * dose, sigma)\n"
        "alpha ~ g\nbeta ~ 1\n",
        "dose,y\n0.10,1\n2,2\n0.10,3\n10,1\n",
    ),
}  # fmt: skip


def prepared(case: Case, backend: str) -> tuple[Binding, dict[str, Any], Mapping[str, str]]:
    """The binding of a case, and what the generated file makes of the same columns."""
    binding = bound(case.text, case.rows, case.tables)
    assert binding.sound, [d.headline for d in binding.diagnostics]
    generated = compile_model(binding.dataset.model, backend, binding.facts)
    space: dict[str, Any] = {}
    exec(compile(generated.text, f"<{backend}>", "exec"), space)
    prepare: Callable[..., dict[str, Any]] = space["prepare"]
    return binding, prepare(binding.rows, binding.tables), generated.keys


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_groups_and_columns_are_those_of_prepare(case: Case) -> None:
    binding, data, keys = prepared(case, "numpyro")
    dataset = binding.dataset

    assert data["coords"][ROW].tolist() == [i + 1 for i in dataset.kept]
    for level, labels in binding.facts.labels.items():
        assert list(data["coords"][level]) == list(labels), level
        found = data.get(f"{level}_of_row")
        if found is not None:
            assert found.tolist() == dataset.groups[level].codes.tolist(), level
    for name in _numeric(binding):
        found = data[keys[name]]
        np.testing.assert_allclose(found, dataset.columns[name].values, err_msg=name)


def _numeric(binding: Binding) -> list[str]:
    """The data that the generated code hands on as numbers: all that the model itself uses."""
    model = binding.dataset.model
    used = {n for node in model.nodes if not isinstance(node, Data)
            for _, expr in expressions(node) for n in values(expr)}  # fmt: skip
    return [
        node.name
        for node in model.nodes
        if isinstance(node, Data) and not node.observed and node.name in used
    ]


def test_both_backends_prepare_the_same() -> None:
    case = CASES["derived data"]
    _, ours, _ = prepared(case, "numpyro")
    _, theirs, _ = prepared(case, "pymc")

    assert ours.keys() == theirs.keys()
    for key in ours.keys() - {"coords", "learned"}:
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    assert ours["learned"] == theirs["learned"]
