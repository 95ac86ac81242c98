"""The NumPyro spelling of every family against SciPy."""

from itertools import chain
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from numpyro.infer.util import compute_log_probs

from hdsl.expr import Constant
from hdsl.families import FAMILIES, LINKS, support_of
from hdsl.families.family import Support
from tests.families.emitted import names, numpyro_distribution
from tests.families.reference import (
    CASES,
    FORWARD,
    PROPER,
    SINGLE,
    kolmogorov,
    linked_forms,
    log_density,
    stacked,
)

LINKED = [name for name in PROPER if any(p.links for p in FAMILIES[name].parameters)]


def test_every_family_has_a_reference() -> None:
    assert list(CASES) == list(SINGLE)
    assert {name for name in CASES if CASES[name].scipy is None} == {
        name for name, family in FAMILIES.items() if family.improper
    }


@pytest.mark.parametrize("name", PROPER)
def test_log_density_is_scipys(name: str) -> None:
    arguments, points = stacked(name)
    groups, size = len(CASES[name].arguments), len(points)
    change = CASES[name].change

    def model(values: Any, x: Any) -> None:
        with numpyro.plate("group", groups, dim=-2), numpyro.plate("point", size, dim=-1):
            own = numpyro_distribution(name, names(arguments), values)
            numpyro.sample("x", own, obs=change.there(x))

    @jax.jit
    def found(values: Any, x: Any) -> Any:
        logs, _ = compute_log_probs(model, (values, x), {}, {}, sum_log_prob=False)
        return logs["x"]

    grid = jnp.broadcast_to(points, (groups, size))
    expected = log_density(name, arguments, points)
    np.testing.assert_allclose(
        found(arguments, grid) + change.log_derivative, expected, rtol=1e-8, atol=1e-9
    )


@pytest.mark.parametrize("name", PROPER)
def test_gradients_are_finite(name: str) -> None:
    arguments, points = stacked(name)
    change = CASES[name].change
    smooth = {key: value for key, value in arguments.items() if key != "n"}

    def total(values: Any) -> Any:
        own = numpyro_distribution(name, names(arguments), arguments | values)
        return jnp.sum(own.log_prob(jnp.asarray(change.there(points))))

    for gradient in jax.jit(jax.grad(total))(smooth).values():
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", [name for name in SINGLE if SINGLE[name].improper])
def test_improper_density_is_constant(name: str) -> None:
    own = numpyro_distribution(name, {}, {})
    points = np.array(CASES[name].points)
    assert own.log_prob(points).tolist() == [0.0] * len(points)


@pytest.mark.parametrize(
    "name", [n for n in PROPER if any(p.links for p in FAMILIES[n].parameters)]
)
def test_linked_forms_equal_the_plain_one(name: str) -> None:
    plain, points = stacked(name)
    change = CASES[name].change
    forms = linked_forms(name, plain)
    values = plain | {k: v for form in forms for k, v in form.items()}

    @jax.jit
    def found(values: Any, x: Any) -> Any:
        return [
            numpyro_distribution(name, names(form), values).log_prob(x) for form in (plain, *forms)
        ]

    expected, *logs = found(values, change.there(points))
    for form, log in zip(forms, logs, strict=True):
        np.testing.assert_allclose(log, expected, rtol=1e-9, atol=1e-10, err_msg=str(list(form)))


OURS = [
    name
    for name in PROPER
    if any(s.helper or "dist." in s.arguments for s in FAMILIES[name].numpyro.values())
]
"""Rows that are not one of NumPyro's own classes: NumPyro proves its own draws."""


@pytest.mark.parametrize("name", OURS)
def test_draws_follow_the_distribution(name: str) -> None:
    arguments = CASES[name].arguments[0]
    reference = CASES[name].scipy
    assert reference is not None
    values = {k: int(v) if k == "n" else v for k, v in arguments.items()}
    own = jax.jit(
        lambda values: numpyro_distribution(name, names(arguments), values).sample(
            jax.random.PRNGKey(7), (20_000,)
        )
    )(values)
    draws = CASES[name].change.back(own)
    assert kolmogorov(draws, reference(**arguments).cdf) < 1.95 / np.sqrt(len(draws))


def probes(support: Support) -> list[float]:
    """Points inside, at and outside a support."""
    inside = np.clip([support.lower, support.upper], -50, 50)
    around = (-1.0, -0.25, 0.25, 0.5, 1.0)
    return sorted({float(i + d) for i in inside for d in around})


def holds(support: Support, x: float) -> bool:
    if support.discrete and x != round(x):
        return False
    return support.lower <= x <= support.upper


@pytest.mark.parametrize("name", [name for name in SINGLE if name != "lkj"])
def test_support_is_numpyros(name: str) -> None:
    for arguments in CASES[name].arguments:
        constants = {key: Constant(value) for key, value in arguments.items()}
        support = support_of(FAMILIES[name], constants)
        constraint = numpyro_distribution(name, names(arguments), arguments).support
        for x in probes(support):
            assert bool(constraint(x)) == holds(support, x), x


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        (name, parameter.name)
        for name in PROPER
        for parameter in FAMILIES[name].parameters
        if parameter.support != Support()
    ],
)
def test_parameter_support_is_numpyros(name: str, parameter: str) -> None:
    row = next(p for p in FAMILIES[name].parameters if p.name == parameter)
    arguments = dict(CASES[name].arguments[0])
    with numpyro.validation_enabled():
        numpyro_distribution(name, names(arguments), arguments)
        step = 1.0 if row.support.discrete else 0.5
        for outside in (row.support.lower - step, row.support.upper + step):
            if np.isfinite(outside):
                values = arguments | {parameter: outside}
                with pytest.raises(ValueError, match="invalid"):
                    numpyro_distribution(name, names(arguments), values)


def test_every_linked_form_has_a_link() -> None:
    used = set(chain.from_iterable(p.links for f in FAMILIES.values() for p in f.parameters))
    assert used == set(FORWARD)
    assert used <= set(LINKS)
