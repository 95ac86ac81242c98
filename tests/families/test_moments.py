"""Moments, densities and default priors of the table."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from hdsl.expr import names
from hdsl.families import ELSEWHERE, FAMILIES
from hdsl.families.formula import formula
from hdsl.families.lookup import support_of
from tests.families.emitted import evaluate
from tests.families.reference import CASES, PROPER, SINGLE, log_density

SETS = [
    pytest.param(name, arguments, id=f"{name}-{i}")
    for name in PROPER
    for i, arguments in enumerate(CASES[name].arguments)
]


@pytest.mark.parametrize(("name", "arguments"), SETS)
def test_moments_are_scipys(name: str, arguments: dict[str, float]) -> None:
    reference = CASES[name].scipy
    assert reference is not None
    family, frozen = FAMILIES[name], reference(**arguments)
    for expr, moment in ((family.mean, frozen.mean), (family.variance, frozen.var)):
        if expr is not None:
            found = evaluate(expr, arguments)
            assert found is not None
            power = 1 if expr is family.mean else 2
            shape = arguments.get(HEAVY.get(name, ""), math.inf)
            if shape > power:
                np.testing.assert_allclose(found, moment(), rtol=1e-6)
            else:
                assert found == (arguments["mu"] if (name, power) == MEDIAN else math.inf)


HEAVY = {"studentt": "nu", "halfstudentt": "nu", "inversegamma": "alpha", "pareto": "alpha"}
"""The parameter that must be above 1 for a mean, above 2 for a variance."""

MEDIAN = ("studentt", 1)
"""Where there is no mean the centre stands for it: the median."""


def test_families_without_moments() -> None:
    without = {name for name, family in SINGLE.items() if family.mean is None}
    assert without == {"cauchy", "halfcauchy", "vonmises", "flat", "halfflat"}
    assert without == {name for name, family in SINGLE.items() if family.variance is None}


@pytest.mark.parametrize("name", FAMILIES)
def test_moments_use_the_parameters_only(name: str) -> None:
    family = FAMILIES[name]
    for expr in (family.mean, family.variance):
        if expr is not None:
            assert set(names(expr)) <= {p.name for p in family.parameters}


DENSITY_SCOPE: dict[str, Any] = {
    "pi": np.pi,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "cos": np.cos,
    "expit": special.expit,
    "inv_probit": special.ndtr,
    "phi": stats.norm.pdf,
    "Gamma": special.gamma,
    "Beta": special.beta,
    "choose": special.binom,
    "besselI0": special.i0,
}


@pytest.mark.parametrize(("name", "arguments"), SETS)
def test_the_documented_density_is_scipys(name: str, arguments: dict[str, float]) -> None:
    points = np.array([x for x in CASES[name].points if abs(x) < 5])
    own = "phi" if name != "skewnormal" else "no parameter"
    scope = {k: v for k, v in DENSITY_SCOPE.items() if k != own} | arguments | {"x": points}
    with np.errstate(divide="ignore"):  # where the density itself is too small for a float
        found = np.log(eval(FAMILIES[name].density.replace("^", "**"), {}, scope))
    expected = log_density(name, arguments, points)
    kept = (expected > -300) & np.isfinite(found)
    assert kept.any()
    np.testing.assert_allclose(
        np.broadcast_to(found, points.shape)[kept], expected[kept], rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("name", [n for n in PROPER if FAMILIES[n].is_location_scale])
def test_location_and_scale(name: str) -> None:
    points = np.array(CASES[name].points)
    for arguments in CASES[name].arguments:
        standard = dict(arguments) | {"mu": 0.0, "sigma": 1.0}
        z = (points - arguments["mu"]) / arguments["sigma"]
        np.testing.assert_allclose(
            log_density(name, arguments, points),
            log_density(name, standard, z) - np.log(arguments["sigma"]),
            rtol=1e-9,
        )


def test_which_families_have_location_and_scale() -> None:
    assert [name for name, family in FAMILIES.items() if family.is_location_scale] == [
        "normal",
        "studentt",
        "cauchy",
        "laplace",
        "logistic",
        "skewnormal",
        "asymmetriclaplace",
    ]


@pytest.mark.parametrize("name", [n for n in PROPER if FAMILIES[n].folded])
def test_folded_at_zero(name: str) -> None:
    folded = FAMILIES[name].folded
    assert folded is not None
    points = np.array([0.1, 1.0, 4.0])
    for arguments in CASES[folded].arguments:
        whole = log_density(name, {"mu": 0.0, **arguments}, points)
        np.testing.assert_allclose(log_density(folded, arguments, points), whole + np.log(2))


def test_names_elsewhere_are_no_names_here() -> None:
    others = [other for family in FAMILIES.values() for other in family.elsewhere]
    assert len(others) == len(set(others)) == len(ELSEWHERE)
    assert not set(others) & set(FAMILIES)


DEFAULTS = [
    pytest.param(name, parameter.default, parameter.support, id=f"{name}-{parameter.name}")
    for name, family in FAMILIES.items()
    for parameter in family.parameters
    if parameter.default is not None
]


@pytest.mark.parametrize(("name", "default", "support"), DEFAULTS)
def test_a_default_prior_stays_inside_the_support(name: str, default: str, support: Any) -> None:
    prior, arguments = default_prior(default)
    positional = dict(zip((p.name for p in prior.parameters), arguments, strict=True))
    assert prior.positional
    assert support_of(prior, positional).within(support)
    for expr in positional.values():
        assert set(names(expr)) <= {"y", "s", "x"}


def default_prior(text: str) -> tuple[Any, tuple[Any, ...]]:
    call = formula(text.format(y="y", scale="s", x="x"))
    return FAMILIES[call.function], call.arguments  # type: ignore[union-attr]  # a call by design
