"""What a Gaussian integral is, by dense algebra on the model as it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.infer.util import log_density

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Compared:
    """The log density of `collapsed` at a point and that of `model` with the rest integrated out;
    draws of the rest by `recover`, whitened by its exact distribution (draw, number).
    """

    collapsed: float
    exact: float
    whitened: np.ndarray


def sampled(model: Any, data: Values, seed: int) -> dict[str, Any]:
    """A draw of every site from the prior."""
    trace = handlers.trace(handlers.seed(model, seed)).get_trace(data)
    return {
        name: site["value"]
        for name, site in trace.items()
        if site["type"] == "sample" and not site["is_observed"]
    }


@dataclass(frozen=True)
class Integral:
    """The integral over `rest` at a point: its log, and the exact distribution of `rest`, flat."""

    log: float
    mode: np.ndarray
    precision: np.ndarray


def integral(model: Any, data: Values, theta: Values, rest: Values) -> Integral:
    """What the model integrates to over what ``rest`` names: log p(u, y | theta) is quadratic in u,
    so that its maximum and its Hessian give it.
    """
    start, split = jax.flatten_util.ravel_pytree(rest)

    def joint(u: Any) -> Any:
        return log_density(model, (data,), {}, {**theta, **split(u)})[0]

    def exact(u: Any) -> Any:
        precision = -jax.hessian(joint)(u)
        mode = jnp.linalg.solve(precision, jax.grad(joint)(jnp.zeros_like(u)))
        return precision, mode, joint(mode)

    precision, mode, height = jax.jit(exact)(start)
    volume = len(start) * np.log(2 * np.pi) - np.linalg.slogdet(precision)[1]
    return Integral(float(height + volume / 2), np.asarray(mode), np.asarray(precision))


def compare(module: ModuleType, data: Values, seed: int = 0, draws: int = 2000) -> Compared:
    """Both densities at a draw of the prior, and draws of the rest there."""
    condensed = module.condense(data)
    theta = sampled(module.collapsed, condensed, seed)
    rest = {n: v for n, v in sampled(module.model, data, seed).items() if n not in theta}
    exact = integral(module.model, data, theta, rest)

    def recovered(key: Any) -> Any:
        found = module.recover(condensed, theta, key)
        return jax.flatten_util.ravel_pytree({name: found[name] for name in rest})[0]

    drawn = jax.jit(jax.vmap(recovered))(jax.random.split(jax.random.key(seed), draws))
    return Compared(
        float(jax.jit(lambda: log_density(module.collapsed, (condensed,), {}, theta)[0])()),
        exact.log,
        np.asarray((drawn - exact.mode) @ np.linalg.cholesky(exact.precision)),
    )
