"""PyMC's file of an arranged model: the density of NumPyro's, and the same draws of the rest."""

from functools import partial
from types import ModuleType

import jax
import numpy as np
import pytest
from numpyro import handlers

from hdsl.compiler import compile_model, model_of
from hdsl.fit.pymc_arranged import ArrangedModel
from hdsl.ir.facts import Facts
from hdsl.source import Source
from tests.backends import densities
from tests.passes import test_centre, test_integrate
from tests.passes.marginals import integral, sampled

QUICK = (
    "nested, with a predictor of the coarser level",
    "what is not linear stays",
    "missing outcomes",
    "three",
    "two components",
)
"""All kernels are among what these call; the others take their time where there is some."""

CASES: dict[str, tuple[str, Facts | None]] = {
    **{case: (test_integrate.DATA + text, None) for case, text in test_integrate.CASES.items()},
    **{case: (test_centre.DATA + t, test_centre.FACTS) for case, t in test_centre.CASES.items()},
}


def files(case: str, folder) -> tuple[ModuleType, ModuleType]:
    """The files for NumPyro and for PyMC of a model, arranged."""
    text, facts = CASES[case]
    model, number = model_of(Source(text)), list(CASES).index(case)
    numpyro, pymc = (
        densities.load(compile_model(model, b, facts, 1).text, folder, f"arranged_{b}_{number}")
        for b in ("numpyro", "pymc")
    )
    return numpyro, pymc


@pytest.mark.parametrize(
    "case", [c if c in QUICK else pytest.param(c, marks=pytest.mark.slow) for c in CASES]
)
def test_both_backends_arrange_one_density(case, tmp_path):
    numpyro, pymc = files(case, tmp_path)
    condensed = numpyro.condense(numpyro.prepare(test_integrate.rows()))
    read = pymc.condense(pymc.prepare(test_integrate.rows()))
    assert read.keys() == condensed.keys()
    point = sampled(numpyro.collapsed, condensed, 0)
    found = densities.pymc_density(pymc.collapsed(read), point)
    expected = densities.numpyro_density(numpyro.collapsed, condensed, point)
    assert found == pytest.approx(expected, rel=1e-9)


def completing(pymc: ModuleType):
    """What completes a draw of PyMC's arranged density, and how many numbers it draws by."""
    data = pymc.prepare(test_integrate.rows())
    condensed = pymc.condense(data)
    models = pymc.build(data), pymc.collapsed(condensed), pymc.recover(condensed)
    arranged = ArrangedModel(*models)
    return jax.jit(arranged.completing(pointwise=True)), arranged.noise.size


@pytest.mark.parametrize(
    "case", ["nested, with a predictor of the coarser level", "missing outcomes"]
)
def test_what_is_integrated_out_is_drawn_from_its_exact_distribution(case, tmp_path):
    numpyro, pymc = files(case, tmp_path)
    data = numpyro.prepare(test_integrate.rows())
    theta = sampled(numpyro.collapsed, numpyro.condense(data), 0)
    rest = {n: v for n, v in sampled(numpyro.model, data, 0).items() if n not in theta}
    complete, size = completing(pymc)

    def recovered(noise):
        values = complete(theta, noise)[0]
        return jax.flatten_util.ravel_pytree({name: values[name] for name in rest})[0]

    exact = integral(numpyro.model, data, theta, rest)
    np.testing.assert_allclose(recovered(np.zeros(size)), exact.mode, rtol=1e-6)
    side = jax.jacobian(recovered)(np.zeros(size))
    np.testing.assert_allclose(side @ side.T @ exact.precision, np.eye(size), atol=1e-6)

    values, likelihoods = complete(theta, np.ones(size))
    whole = {**theta, **{name: values[name] for name in rest}}
    trace = handlers.trace(handlers.substitute(numpyro.model, whole)).get_trace(data)
    for name, site in trace.items():
        if site["type"] == "sample" and site["is_observed"]:
            expected = site["fn"].log_prob(site["value"])
            np.testing.assert_allclose(likelihoods.pop(name), expected, rtol=1e-6)
        elif site["type"] in ("sample", "deterministic"):
            np.testing.assert_allclose(values[name], site["value"], rtol=1e-6, atol=1e-9)
    assert not likelihoods


def test_the_parts_of_totals_are_drawn_from_their_exact_distribution(tmp_path):
    numpyro, pymc = files("two components", tmp_path)
    condensed = numpyro.condense(numpyro.prepare(test_integrate.rows()))
    point = sampled(numpyro.collapsed, condensed, 0)
    complete, size = completing(pymc)

    def parts(noise):
        values = complete(point, noise)[0]
        names = sorted(name for name in values if name.startswith("z("))
        return jax.flatten_util.ravel_pytree([values[name] for name in names])[0]

    values, _ = complete(point, np.arange(size) / size)
    for total in ("a", "b"):
        np.testing.assert_allclose(values[total], point[f"total {total}"], rtol=1e-6)
    # N(0, 1) given some linear combinations: a projection, and a mean that it takes to nothing
    side = np.asarray(jax.jacobian(parts)(np.zeros(size)))
    covariance = side @ side.T
    np.testing.assert_allclose(covariance @ covariance, covariance, atol=1e-6)
    totals = sum(value.size for name, value in point.items() if name.startswith("total"))
    assert np.trace(covariance) == pytest.approx(len(side) - totals)
    np.testing.assert_allclose(covariance @ parts(np.zeros(size)), 0.0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", ["nested, with a predictor of the coarser level", "two components"]
)
def test_the_lines_at_the_head_of_the_file_run_it(case, tmp_path, monkeypatch):
    pymc = files(case, tmp_path)[1]
    quick = {"draws": 20, "tune": 20, "chains": 2, "cores": 1, "progressbar": False}
    monkeypatch.setattr(pymc.pm, "sample", partial(pymc.pm.sample, **quick))
    space = {**vars(pymc), "rows": test_integrate.rows()}
    lines = (line[4:] for line in pymc.__doc__.splitlines() if line.startswith("    "))
    exec("\n".join(lines), space)
    sites = pymc.build(pymc.prepare(test_integrate.rows())).unobserved_RVs
    sizes = {name: value.sizes for name, value in space["results"].data_vars.items()}
    assert {site.name for site in sites} <= set(sizes)
    assert {(size["chain"], size["draw"]) for size in sizes.values()} == {(2, 20)}
