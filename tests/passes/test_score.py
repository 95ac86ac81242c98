"""Scores in the place of logarithms: the same values, the same density, other coordinates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer.util import log_density, potential_energy

from hdsl.compiler import arranged, compile_model, model_of
from hdsl.source import Source
from tests.backends import densities
from tests.passes.marginals import sampled
from tests.passes.test_integrate import rows

DATA = "data y, x : real\nlevel sub in market\n"
MODEL = DATA + "y ~ studentt(4, a + b * x, s)\na, b ~ sub\nsd(a) ~ halfnormal(sd(y))\n"
PRIORS = ("halfnormal(3)", "halfstudentt(3, 2)", "halfcauchy(2)", "exponential(0.2)")
POINTS = np.array([-40.0, -8.0, -1.0, -1e-3, 0.0, 0.3, 2.0, 8.0, 30.0])


@pytest.mark.parametrize("prior", PRIORS)
def test_a_score_is_a_change_of_coordinates(prior, tmp_path):
    model = model_of(Source(f"{MODEL}sd(b) ~ {prior}\n"))
    assert [name for name, _ in arranged(model).scored] == ["sd(a)", "sd(b)"]
    number = PRIORS.index(prior)
    numpyro, pymc = (
        densities.load(compile_model(model, b, level=1).text, tmp_path, f"score_{b}_{number}")
        for b in ("numpyro", "pymc")
    )
    data = numpyro.prepare(rows())
    point = sampled(numpyro.collapsed, numpyro.condense(data), number)
    values = {name: value for name, value in point.items() if not name.startswith("sd(")}

    score = numpyro.Score(3.0)
    typical = float(np.std(data["y"], ddof=1))
    for z in (-2.0, 0.4):
        whole = {**values, "sd(a)": numpyro.Score(typical)(z), "sd(b)": score(z)}
        expected = log_density(numpyro.model, (data,), {}, whole)[0]
        found = log_density(numpyro.collapsed, (data,), {}, whole)[0]
        assert float(found) == pytest.approx(float(expected), rel=1e-12)
        there = densities.pymc_density(pymc.collapsed(pymc.condense(data)), whole)
        assert there == pytest.approx(float(expected), rel=1e-9)


def test_the_transform_of_both_backends(tmp_path):
    model = model_of(Source(MODEL))
    numpyro, pymc = (
        densities.load(compile_model(model, b, level=1).text, tmp_path, f"transform_{b}")
        for b in ("numpyro", "pymc")
    )
    score, other = numpyro.Score(2.5), pymc.Score(2.5)
    x = np.asarray(score(POINTS))
    np.testing.assert_allclose(score.inv(x)[1:], POINTS[1:], atol=1e-12)
    slope = jax.vmap(jax.grad(lambda z: jnp.log(score(z))))(POINTS[1:])
    log_slope = score.log_abs_det_jacobian(POINTS, x)
    assert np.isfinite(log_slope).all()
    np.testing.assert_allclose(log_slope[1:], np.log(slope) + np.log(x[1:]), rtol=1e-12)
    np.testing.assert_allclose(other.backward(POINTS).eval(), x, rtol=1e-12)
    np.testing.assert_allclose(other.forward(x[1:]).eval(), POINTS[1:], atol=1e-12)
    np.testing.assert_allclose(other.log_jac_det(POINTS).eval(), log_slope, rtol=1e-12)


def test_numpyro_samples_the_score(tmp_path):
    module = densities.load(
        compile_model(model_of(Source(MODEL)), "numpyro", level=1).text, tmp_path, "sampled"
    )
    data = module.prepare(rows())
    point = sampled(module.collapsed, module.condense(data), 0)
    z = {name: jnp.zeros(jnp.shape(value)) for name, value in point.items()}
    slope = jax.grad(lambda v: potential_energy(module.collapsed, (data,), {}, v))(z)
    by_log = jax.grad(lambda v: potential_energy(module.model, (data,), {}, v))(z)
    assert np.isfinite(slope["sd(a)"])
    assert not np.allclose(slope["sd(a)"], by_log["sd(a)"])  # other coordinates


@pytest.mark.parametrize(
    "lines",
    [
        "sd(a) ~ gamma(2, 1)",  # no density at 0, no tail
        "sd(a) ~ halfnormal(tau)\ntau ~ halfnormal(1)",  # no typical value is known
        "log(sd(a)) ~ normal(0, 1)",
        "sd(a) = 2",
    ],
)
def test_others_are_sampled_by_their_logarithm(lines):
    text = DATA + "y ~ studentt(4, a, s)\na ~ sub\n"
    assert not arranged(model_of(Source(f"{text}{lines}\n"))).changed
    assert arranged(model_of(Source(text))).scored
    assert not arranged(model_of(Source(text)), without=["score"]).changed
