"""Special functions, and densities on cells of which whole pieces share a part."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import gammaln as xla
from jax.scipy.special import logsumexp
from scipy.special import gammaln, polygamma

from hdsl.fit.methods.cut import program_of
from hdsl.fit.methods.pointwise import on_cells
from hdsl.fit.methods.special import log_gamma
from hdsl.fit.setup import prepare_jax

prepare_jax()
AT = np.concatenate([np.geomspace(1e-6, 60, 400), np.geomspace(60, 1e12, 100)])


@pytest.mark.parametrize("order", range(4))
def test_log_gamma_and_its_derivatives(order):
    function = log_gamma
    for _ in range(order):
        function = jax.grad(function)
    found = np.asarray(jax.vmap(function)(jnp.asarray(AT)))
    exact = gammaln(AT) if order == 0 else polygamma(order - 1, AT)
    np.testing.assert_allclose(found, exact, rtol=2e-12, atol=1e-13)


def test_log_gamma_of_what_has_none():
    assert np.isinf(log_gamma(0.0))
    assert np.isnan(log_gamma(-0.5))
    assert np.isnan(log_gamma(np.nan))


def densities(phi, mu, y):
    """One of each kind: by numbers, by a function with its own derivative, by something else."""
    each = xla(phi + y) - xla(phi) - jnp.logaddexp(mu, 0.0) * phi
    return each + logsumexp(jnp.stack([mu, phi]), axis=0) - y.mean()


def test_what_a_piece_shares_is_computed_once_and_the_rest_as_it_was_traced():
    rng = np.random.default_rng(0)
    phi, mu, y = rng.gamma(3, size=(5, 1)), rng.normal(size=(5, 4)), rng.poisson(3.0, (5, 4)) * 1.0
    program = program_of(jax.make_jaxpr(densities)(*(np.zeros(20),) * 3))
    given = dict(zip(program.inputs, (phi, mu, y), strict=True))
    wide = np.broadcast_to(phi, (5, 4))
    exact = densities(wide.reshape(-1), mu.reshape(-1), y.reshape(-1))
    (found,) = on_cells(program, given, program.outputs, (5, 4))
    np.testing.assert_allclose(found.reshape(-1), exact, rtol=1e-12)
    shared = next(
        step.results[0]
        for step in program.steps
        if step.eqn.primitive.name == "lgamma" and step.operands == program.inputs[:1]
    )
    assert on_cells(program, given, [shared], (5, 4))[0].shape == (5, 1)
