"""Coefficients sampled in the place of deviations: one posterior, and the deviations come back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import handlers
from numpyro.infer.util import log_density
from scipy.stats import multivariate_normal, norm

from hdsl.compiler import arranged, compile_model, model_of
from hdsl.expr import Value
from hdsl.ir.facts import Facts
from hdsl.source import Source
from tests.backends import densities
from tests.passes.marginals import sampled
from tests.passes.test_integrate import rows

DATA = "data y, x : real\nlevel sub in market\ndata inc : real per market\n"
FACTS = Facts(60, {"sub": 7, "market": 3, "kind": 3}, {}, typical={"sub": 50, "market": 90})
CASES = {
    "one": "y ~ studentt(4, a + x, s)\na ~ sub\n",
    "correlated": "y ~ studentt(4, a + b * x, s)\na, b ~ sub | inc\n",
    "three": "y ~ studentt(4, a + b * x + c * x^2, s)\na, b, c ~ sub\n",
    "two components": (
        "y ~ studentt(4, a + b * x, s)\na = a0 + a1 * inc\nb = b0 + b1 * inc\n"
        "a0, b0 ~ 0 + sub\na1, b1 ~ 0 + sub\n"
    ),
    "nested": "y ~ studentt(4, a, s)\na ~ market / sub\n",
    "on a link": "data c : count\nc ~ poisson(mu)\nlog(mu) = a + b * x\na ~ sub\nb ~ 1\n",
}


@pytest.mark.parametrize("case", CASES)
def test_totals_have_the_density_of_what_they_add_up(case, tmp_path):
    model = model_of(Source(DATA + CASES[case]))
    (totals,) = arranged(model, FACTS).totals
    file = compile_model(model, "numpyro", FACTS, level=1)
    module = densities.load(file.text, tmp_path, f"centred_{list(CASES).index(case)}")
    data = module.prepare(rows())
    condensed = module.condense(data)
    names = [site.removeprefix("total ") for site in totals.sites]
    point = sampled(module.collapsed, condensed, 0)
    theta = {name: value for name, value in point.items() if name not in totals.sites}
    back = module.recover(condensed, point, jax.random.key(1))
    start, split = jax.flatten_util.ravel_pytree(back)

    def coefficients(z):
        values = {**theta, **split(z)}
        trace = handlers.trace(handlers.substitute(module.model, values)).get_trace(data)
        return jnp.concatenate([trace[name]["value"] for name in names])

    wanted = np.concatenate([point[site] for site in totals.sites])
    np.testing.assert_allclose(coefficients(start), wanted, rtol=1e-9, atol=1e-9)
    side = np.asarray(jax.jacobian(coefficients)(start))
    mean = np.asarray(coefficients(jnp.zeros_like(start)))
    joint = log_density(module.model, (data,), {}, {**theta, **back})[0]
    exact = (
        joint - norm.logpdf(start).sum() + multivariate_normal(mean, side @ side.T).logpdf(wanted)
    )
    assert float(log_density(module.collapsed, (condensed,), {}, point)[0]) == pytest.approx(
        float(exact), rel=1e-9
    )

    keys = jax.random.split(jax.random.key(2), 2000)
    draw = jax.jit(jax.vmap(lambda key: module.recover(condensed, point, key)))
    drawn = np.asarray(jax.vmap(lambda z: jax.flatten_util.ravel_pytree(z)[0])(draw(keys)))
    gain = side.T @ np.linalg.inv(side @ side.T)
    np.testing.assert_allclose(drawn.mean(axis=0), gain @ (wanted - mean), atol=0.12)
    np.testing.assert_allclose(np.cov(drawn.T), np.eye(len(start)) - gain @ side, atol=0.12)


def test_sparse_groups_stay_deviations():
    model = model_of(Source(DATA + CASES["one"]))
    few = Facts(60, {"sub": 7}, {}, typical={"sub": 8})
    assert not arranged(model, few).totals
    assert not arranged(model).totals  # nothing is known of the data
    yes_or_no = model_of(Source("data d : binary\nd ~ bernoulli(p)\nlogit(p) = a\na ~ sub\n"))
    assert not arranged(yes_or_no, FACTS).totals


@pytest.mark.parametrize("how", ["centered", "noncentered", "noncentered(sub)"])
def test_what_the_model_says_is_done(how):
    text = DATA + CASES["one"].replace("a ~ sub", f"a ~ sub with {how}")
    assert not arranged(model_of(Source(text)), FACTS).totals


def test_many_groups_inform_of_the_one_above():
    model = model_of(Source(DATA + CASES["nested"]))
    many = Facts(9000, {"sub": 90, "market": 3}, {}, typical={"sub": 100, "market": 3000})
    found = arranged(model, many)
    assert [totals.level for totals in found.totals] == ["sub", "market"]
    assert [remark.by for remark in found.remarks] == ["centre", "centre", "score"]
    assert found.totals[0].means == (Value("total a[market]"),)
    assert "total_a" in compile_model(model, "numpyro", many, level=1).text


def test_what_is_read_in_another_way_stays():
    text = "y ~ studentt(4, a * a, s)\na ~ sub\nmean(a) ~ normal(0, 1)\nsd(a) ~ halfnormal(1)\n"
    other = "data c : count\nc ~ poisson(m)\nlog(m) = dev(a)\n"
    assert len(arranged(model_of(Source(DATA + text)), FACTS).totals) == 1
    assert not arranged(model_of(Source(DATA + text + other)), FACTS).totals


def test_a_level_may_have_totals_and_effects_that_are_integrated_out(tmp_path):
    text = DATA + "y ~ normal(a + b * x, s)\na, b ~ sub\nlog(s) ~ sub\n"
    file = compile_model(model_of(Source(text)), "numpyro", FACTS, level=1)
    module = densities.load(file.text, tmp_path, "centred_and_integrated")
    condensed = module.condense(module.prepare(rows()))
    point = sampled(module.collapsed, condensed, 0)
    back = module.recover(condensed, point, jax.random.key(1))
    found = point["sd(log(s))"] * back["z(log(s))"]
    np.testing.assert_allclose(found, point["total dev(log(s))"], rtol=1e-9)
