"""The verifier accepts what the check stage may make, and names what is broken."""

from dataclasses import replace

import pytest

from hdsl.diagnostics.diagnostic import InternalError
from hdsl.ir.verify import verify_model
from tests.render import models


@pytest.mark.parametrize("name", models.CASES)
def test_models_are_sound(name):
    verify_model(models.CASES[name][0]())


def _with_nodes(*nodes):
    return replace(models.flat(), nodes=nodes)


def _broken():
    flat = models.flat()
    y, x, a, b, sigma, outcome = flat.nodes
    levels = dict(flat.levels)
    yield "two nodes make `a`", _with_nodes(y, x, a, a, b, sigma, outcome)
    yield "`y` uses `sigma` before it is made", _with_nodes(y, x, a, b, outcome, sigma)
    yield (
        "`a` varies over unknown level `g`",
        _with_nodes(y, x, replace(a, domain=("g",)), b, sigma, outcome),
    )
    yield "`x` repeats a level", _with_nodes(y, replace(x, domain=("row", "row")), outcome)
    yield (
        "the outcome `y` is no observed data",
        _with_nodes(replace(y, observed=False), x, a, b, sigma, outcome),
    )
    finer = replace(a, distribution=models.normal("x", 1))
    yield "mu of `a` is finer than it: ('row',)", _with_nodes(y, x, finer, b, sigma, outcome)
    pinned = replace(a, pinned=((("low",), models.lift(0)),))
    yield "`a` pins no single member by ('low',)", _with_nodes(y, x, pinned, b, sigma, outcome)
    yield "level `row` stands before its parent `g`", replace(flat, levels={"row": models.row("g")})
    yield (
        "the rows are not the last level",
        replace(flat, levels=levels | {"g": models.column("g")}),
    )
    yield "level `g` stands under `h`", replace(flat, levels={"h": models.column("g")} | levels)
    radon = models.radon()
    lost = tuple(n for n in radon.nodes if n.name not in ("sd(alpha)",))
    yield "`deviations(alpha, beta)` uses `sd(alpha)` before it is made", replace(radon, nodes=lost)
    c = replace(radon.coefficients[0], mean="mean(gamma)")
    yield "coefficient `alpha` lacks `mean(gamma)`", replace(radon, coefficients=(c,))


@pytest.mark.parametrize(("complaint", "model"), list(_broken()))
def test_what_is_broken_is_named(complaint, model):
    with pytest.raises(InternalError) as raised:
        verify_model(model)
    assert str(raised.value) == f"the model is broken: {complaint}"
