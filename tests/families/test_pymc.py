"""The PyMC spelling of every family against SciPy, in plain and linked forms."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytest
from pytensor.compile.mode import Mode

from tests.families.emitted import names, pymc_variable
from tests.families.reference import (
    CASES,
    PROPER,
    SINGLE,
    kolmogorov,
    linked_forms,
    log_density,
    stacked,
)

# The rewrites that a user's model gets, without compiling C or numba code for each graph.
MODE = Mode(linker="py", optimizer="fast_run").excluding("fusion")


def shared(values: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs that cannot be folded into constants: the rewrites meet what they meet in use."""
    return {key: pytensor.shared(value, shape=np.shape(value)) for key, value in values.items()}


@pytest.mark.parametrize("name", PROPER)
def test_log_density_is_scipys(name: str) -> None:
    plain, points = stacked(name)
    forms = [plain, *linked_forms(name, plain)]
    change = CASES[name].change
    seen = np.broadcast_to(change.there(points), (len(CASES[name].arguments), len(points)))
    with pm.Model(coords={"group": range(seen.shape[0]), "point": range(seen.shape[1])}) as model:
        for i, form in enumerate(forms):
            values = shared(form) | {"seen": seen}
            options = 'dims=("group", "point"), observed=seen'
            pymc_variable(name, names(form), values, f"x{i}", options)
        logs = pytensor.function([], model.logp(sum=False), mode=MODE)()
    expected = log_density(name, plain, points)
    for form, log in zip(forms, logs, strict=True):
        np.testing.assert_allclose(
            log + change.log_derivative, expected, rtol=1e-7, atol=1e-8, err_msg=str(list(form))
        )


@pytest.mark.parametrize("name", [name for name in SINGLE if SINGLE[name].improper])
def test_improper_density_is_constant(name: str) -> None:
    points = np.array(CASES[name].points)
    with pm.Model(coords={"point": range(len(points))}) as model:
        own = pymc_variable(name, {}, {}, "x", 'dims="point"')
        (log,) = model.logp(vars=[own], sum=False, jacobian=False)
    value = model.rvs_to_values[own]
    transform = model.rvs_to_transforms[own]
    start = points if transform is None else transform.forward(points).eval()
    assert log.eval({value: start}).tolist() == [0.0] * len(points)


def test_draws_follow_the_distribution() -> None:
    chosen = [name for name in PROPER if name != "vonmises"]  # its draws wrap round the circle
    with pm.Model():
        variables = []
        for name in chosen:
            values = dict(CASES[name].arguments[0])
            if "n" in values:
                values["n"] = int(values["n"])
            variables.append(pymc_variable(name, names(values), values, name, "shape=5_000"))
    draws = pm.draw(variables, random_seed=11, mode=MODE)
    for name, own in zip(chosen, draws, strict=True):
        reference = CASES[name].scipy
        assert reference is not None
        back = CASES[name].change.back(own)
        distance = kolmogorov(back, reference(**CASES[name].arguments[0]).cdf)
        assert distance < 1.95 / np.sqrt(len(back)), name


@pytest.mark.parametrize("name", PROPER)
def test_the_prior_of_a_parameter_starts_inside_its_support(name: str) -> None:
    arguments = dict(CASES[name].arguments[0])
    if "n" in arguments:
        arguments["n"] = int(arguments["n"])
    with pm.Model() as model:
        pymc_variable(name, names(arguments), arguments, "x")
    start = model.initial_point()
    assert np.isfinite(model.compile_logp(mode=MODE)(start))
