"""The functions of whole arrays that structures are made with, as each backend writes them.

All run along the last axis. They are no words of the language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hdsl.families.functions import Library


@dataclass(frozen=True)
class ArrayFunction:
    """A function of arrays: a template with a slot per argument for each backend, and the
    definition that the generated file must hold for it, if any.
    """

    name: str
    numpyro: str
    pymc: str
    doc: str
    numpyro_helper: str | None = None
    pymc_helper: str | None = None

    def template(self, library: Library) -> str:
        """The call for a library, with a slot per argument."""
        return self.pymc if library is Library.PYMC else self.numpyro

    def helper(self, library: Library) -> str | None:
        """The definition that the generated file must hold for the call, if any."""
        return self.pymc_helper if library is Library.PYMC else self.numpyro_helper


def _defined(name: str, arguments: str, doc: str, numpyro: str, pymc: str) -> ArrayFunction:
    """A function that the generated file defines itself, called alike in both."""
    call = f"{name}({arguments})"
    return ArrayFunction(name, call, call, doc, numpyro, pymc)


_NUMPYRO_AUTOREGRESSION = '''\
def autoregression(rho, steps, n):
    """Stationary x[t] = rho * x[t - 1] + steps[t] along the last axis, in log2(n) additions."""
    first = steps[..., :1] / jnp.sqrt(1 - rho**2)
    x, lag = jnp.concatenate([first, steps[..., 1:]], axis=-1), 1
    while lag < n:
        x = x + rho * jnp.concatenate([jnp.zeros_like(x[..., :lag]), x[..., :-lag]], axis=-1)
        rho, lag = rho * rho, 2 * lag
    return x
'''

_NUMPYRO_ZERO_SUM = '''\
def zero_sum(z):
    """Standard normal draws less their mean along each axis: they sum to zero."""
    for axis in range(z.ndim):
        z = z - z.mean(axis=axis, keepdims=True)
    return z
'''

_NUMPYRO_GAUSSIAN_PROCESS = '''\
def gaussian_process(x, rho, z, n):
    """A smooth function at x: unit variance, covariance exp(-(distance / rho)**2 / 2)."""
    kernel = jnp.exp(-0.5 * ((x[:, None] - x) / rho) ** 2)
    factor = jnp.linalg.cholesky(kernel + 1e-8 * jnp.eye(n))
    return (factor @ z[..., None])[..., 0]
'''

_NUMPYRO_WAVES = '''\
def sum_of_waves(basis, frequency, rho, z):
    """A smooth function of unit variance: sine waves, weighted by the density of frequencies
    that the covariance exp(-(distance / rho)**2 / 2) has.
    """
    density = jnp.sqrt(2 * np.pi) * rho * jnp.exp(-0.5 * (rho * frequency) ** 2)
    return (jnp.sqrt(density) * z) @ basis.T
'''


def _in_pymc(source: str) -> str:
    """The same definition in PyTensor's names, where these differ in nothing else."""
    return source.replace("jnp.linalg.", "pt.linalg.").replace("jnp.", "pt.")


ARRAYS: Mapping[str, ArrayFunction] = MappingProxyType(
    {
        function.name: function
        for function in (
            ArrayFunction(
                "cumsum", "jnp.cumsum({0}, axis=-1)", "pt.cumsum({0}, axis=-1)", "Running sum."
            ),
            _defined(
                "autoregression",
                "{0}, {1}, {2}",
                "The stationary autoregression with these steps.",
                _NUMPYRO_AUTOREGRESSION,
                _in_pymc(_NUMPYRO_AUTOREGRESSION),
            ),
            _defined(
                "zero_sum",
                "{0}",
                "Less the mean along each axis.",
                _NUMPYRO_ZERO_SUM,
                _NUMPYRO_ZERO_SUM,
            ),
            _defined(
                "gaussian_process",
                "{0}, {1}, {2}, {3}",
                "Standard draws made smooth in data.",
                _NUMPYRO_GAUSSIAN_PROCESS,
                _in_pymc(_NUMPYRO_GAUSSIAN_PROCESS),
            ),
            _defined(
                "sum_of_waves",
                "{0}, {1}, {2}, {3}",
                "Sine waves weighted by a spectral density.",
                _NUMPYRO_WAVES,
                _in_pymc(_NUMPYRO_WAVES),
            ),
        )
    }
)
"""The array functions by name."""
