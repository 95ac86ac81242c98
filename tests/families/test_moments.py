"""Moments, densities and default priors of the table."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from hdsl.expr import Constant, Value, apply, names, substitute
from hdsl.families import FAMILIES
from hdsl.families.formula import formula
from hdsl.families.numeric import evaluate, prior_mean, prior_sd
from tests.families.reference import CASES, PROPER, log_density

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
    without = {name for name, family in FAMILIES.items() if family.mean is None}
    assert without == {"cauchy", "halfcauchy", "vonmises", "flat", "halfflat"}
    assert without == {name for name, family in FAMILIES.items() if family.variance is None}


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


@pytest.mark.parametrize(
    ("name", "arguments", "mean", "sd"),
    [
        ("normal", {"mu": Constant(1.0), "sigma": Constant(2.0)}, 1.0, 2.0),
        ("normal", {"mu": Constant(1.0), "log_sigma": Constant(0.0)}, 1.0, 1.0),
        ("normal", {"mu": Constant(1.0), "sigma": Value("tau")}, 1.0, None),
        ("gamma", {"alpha": Constant(20.0), "beta": Constant(3.0)}, 20 / 3, math.sqrt(20) / 3),
        ("uniform", {"lower": Constant(0.0), "upper": apply("*", 2.0, 3.0)}, 3.0, math.sqrt(3)),
        ("studentt", {"nu": Constant(2.0), "mu": Constant(0.0), "sigma": Constant(1.0)}, 0.0, None),
        ("cauchy", {"mu": Constant(0.0), "sigma": Constant(1.0)}, None, None),
        ("flat", {}, None, None),
    ],
)
def test_moments_of_a_prior(
    name: str, arguments: dict[str, Any], mean: float | None, sd: float | None
) -> None:
    assert prior_mean(FAMILIES[name], arguments) == pytest.approx(mean)
    assert prior_sd(FAMILIES[name], arguments) == pytest.approx(sd)


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
    assert prior.support.within(support)
    outcome = {"y": Value("y")}
    for expr in positional.values():
        assert set(names(substitute(expr, outcome))) <= {"y"}


def default_prior(text: str) -> tuple[Any, tuple[Any, ...]]:
    call = formula(text.format(y="y"))
    return FAMILIES[call.function], call.arguments  # type: ignore[union-attr]  # a call by design
