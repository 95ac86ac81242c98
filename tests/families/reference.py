"""SciPy's version of every distribution: what the table is compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from hdsl.families import FAMILIES


@dataclass(frozen=True)
class Change:
    """What the spelling samples instead of the value: there, back, log of the derivative."""

    there: Callable[[Any], Any] = lambda x: x
    back: Callable[[Any], Any] = lambda x: x
    log_derivative: float = 0.0


@dataclass(frozen=True)
class Case:
    """Argument sets, points at which to compare, and SciPy's frozen distribution."""

    arguments: tuple[Mapping[str, float], ...]
    points: tuple[float, ...]
    scipy: Callable[..., Any] | None
    change: Change = Change()


LINE = (-40.0, -3.0, -1.0, -1e-9, 0.0, 0.3, 1.0, 2.5, 60.0)
ABOVE_ZERO = (1e-9, 1e-3, 0.2, 1.0, 3.0, 40.0)
UNIT = (1e-9, 0.02, 0.5, 0.9, 1 - 1e-9)
COUNTS = (0.0, 1.0, 2.0, 7.0, 40.0)


def asymmetric_laplace(mu: Any, sigma: Any, q: Any) -> Any:
    kappa = np.sqrt(q / (1 - q))
    return stats.laplace_asymmetric(kappa, loc=mu, scale=sigma / np.sqrt(q * (1 - q)))


CASES: Mapping[str, Case] = {
    "normal": Case(
        ({"mu": 0.0, "sigma": 1.0}, {"mu": -3.0, "sigma": 0.2}, {"mu": 5.0, "sigma": 30.0}),
        LINE,
        lambda mu, sigma: stats.norm(mu, sigma),
    ),
    "studentt": Case(
        (
            {"nu": 0.7, "mu": 0.0, "sigma": 1.0},
            {"nu": 4.0, "mu": -1.0, "sigma": 0.3},
            {"nu": 30.0, "mu": 2.0, "sigma": 5.0},
        ),
        LINE,
        lambda nu, mu, sigma: stats.t(nu, mu, sigma),
    ),
    "cauchy": Case(
        ({"mu": 0.0, "sigma": 1.0}, {"mu": 2.0, "sigma": 0.1}),
        LINE,
        lambda mu, sigma: stats.cauchy(mu, sigma),
    ),
    "laplace": Case(
        ({"mu": 0.0, "sigma": 1.0}, {"mu": 2.0, "sigma": 0.4}),
        LINE,
        lambda mu, sigma: stats.laplace(mu, sigma),
    ),
    "logistic": Case(
        ({"mu": 0.0, "sigma": 1.0}, {"mu": 2.0, "sigma": 0.4}),
        LINE,
        lambda mu, sigma: stats.logistic(mu, sigma),
    ),
    "skewnormal": Case(
        (
            {"mu": 0.0, "sigma": 1.0, "alpha": 0.0},
            {"mu": 1.0, "sigma": 2.0, "alpha": 4.0},
            {"mu": 0.0, "sigma": 9.0, "alpha": -2.0},
        ),
        LINE,
        lambda mu, sigma, alpha: stats.skewnorm(alpha, mu, sigma),
    ),
    "asymmetriclaplace": Case(
        (
            {"mu": 0.0, "sigma": 1.0, "q": 0.5},
            {"mu": 1.0, "sigma": 0.3, "q": 0.9},
            {"mu": -1.0, "sigma": 4.0, "q": 0.1},
        ),
        LINE,
        asymmetric_laplace,
    ),
    "flat": Case(({},), LINE, None),
    "lognormal": Case(
        ({"mu": 0.0, "sigma": 1.0}, {"mu": 1.5, "sigma": 0.5}),
        ABOVE_ZERO,
        lambda mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)),
    ),
    "gamma": Case(
        ({"alpha": 2.0, "beta": 0.1}, {"alpha": 0.3, "beta": 3.0}, {"alpha": 20.0, "beta": 3.0}),
        ABOVE_ZERO,
        lambda alpha, beta: stats.gamma(alpha, scale=1 / beta),
    ),
    "inversegamma": Case(
        ({"alpha": 0.4, "beta": 0.3}, {"alpha": 3.0, "beta": 2.0}),
        ABOVE_ZERO,
        lambda alpha, beta: stats.invgamma(alpha, scale=beta),
    ),
    "exponential": Case(
        ({"rate": 1.0}, {"rate": 0.05}, {"rate": 8.0}),
        ABOVE_ZERO,
        lambda rate: stats.expon(scale=1 / rate),
    ),
    "weibull": Case(
        ({"alpha": 0.7, "sigma": 2.0}, {"alpha": 3.0, "sigma": 5.0}),
        ABOVE_ZERO,
        lambda alpha, sigma: stats.weibull_min(alpha, scale=sigma),
    ),
    "halfnormal": Case(
        ({"sigma": 1.0}, {"sigma": 0.3}), ABOVE_ZERO, lambda sigma: stats.halfnorm(scale=sigma)
    ),
    "halfstudentt": Case(
        ({"nu": 4.0, "sigma": 1.0}, {"nu": 1.5, "sigma": 0.3}, {"nu": 0.8, "sigma": 2.0}),
        ABOVE_ZERO,
        lambda nu, sigma: HalfStudentT(nu, sigma),
    ),
    "halfcauchy": Case(
        ({"sigma": 1.0}, {"sigma": 0.3}), ABOVE_ZERO, lambda sigma: stats.halfcauchy(scale=sigma)
    ),
    "pareto": Case(
        ({"alpha": 1.5, "m": 0.2}, {"alpha": 4.0, "m": 0.1}, {"alpha": 0.8, "m": 0.2}),
        (0.2 + 1e-9, 0.3, 1.0, 40.0),
        lambda alpha, m: stats.pareto(alpha, scale=m),
    ),
    "halfflat": Case(({},), ABOVE_ZERO, None),
    "beta": Case(
        ({"alpha": 2.0, "beta": 5.0}, {"alpha": 0.4, "beta": 0.7}, {"alpha": 90.0, "beta": 1.0}),
        UNIT,
        lambda alpha, beta: stats.beta(alpha, beta),
    ),
    "uniform": Case(
        ({"lower": 0.0, "upper": 1.0}, {"lower": -3.0, "upper": 1.0}),
        UNIT,
        lambda lower, upper: stats.uniform(lower, upper - lower),
    ),
    "vonmises": Case(
        ({"mu": 0.0, "kappa": 1.0}, {"mu": 2.0, "kappa": 30.0}, {"mu": -3.0, "kappa": 0.1}),
        (-np.pi + 1e-9, -1.0, 0.0, 2.0, np.pi - 1e-9),
        lambda mu, kappa: stats.vonmises(kappa, mu),
    ),
    "lkj": Case(
        ({"eta": 1.0}, {"eta": 2.0}, {"eta": 15.0}),
        (-1 + 1e-9, -0.7, 0.0, 0.3, 1 - 1e-9),
        lambda eta: stats.beta(eta, eta, -1, 2),
        Change(lambda x: (x + 1) / 2, lambda u: 2 * u - 1, -np.log(2.0)),
    ),
    "bernoulli": Case(({"p": 0.5}, {"p": 0.003}, {"p": 0.98}), (0.0, 1.0), stats.bernoulli),
    "binomial": Case(
        ({"n": 40.0, "p": 0.5}, {"n": 60.0, "p": 0.01}, {"n": 41.0, "p": 0.97}),
        COUNTS,
        stats.binom,
    ),
    "betabinomial": Case(
        (
            {"n": 40.0, "alpha": 2.0, "beta": 3.0},
            {"n": 60.0, "alpha": 0.2, "beta": 0.3},
            {"n": 40.0, "alpha": 50.0, "beta": 9.0},
        ),
        COUNTS,
        lambda n, alpha, beta: stats.betabinom(n, alpha, beta),
    ),
    "poisson": Case(({"mu": 3.0}, {"mu": 0.01}, {"mu": 60.0}), COUNTS, stats.poisson),
    "negbinomial": Case(
        ({"mu": 3.0, "phi": 2.0}, {"mu": 0.1, "phi": 0.2}, {"mu": 30.0, "phi": 400.0}),
        COUNTS,
        lambda mu, phi: stats.nbinom(phi, phi / (mu + phi)),
    ),
    "geometric": Case(({"p": 0.5}, {"p": 0.01}, {"p": 0.95}), (1.0, 2.0, 3.0, 40.0), stats.geom),
}


class HalfStudentT:
    """SciPy has no half t distribution: twice the upper half of its t."""

    def __init__(self, nu: Any, sigma: Any) -> None:
        self.whole = stats.t(nu, 0, sigma)

    def logpdf(self, x: Any) -> Any:
        return np.log(2) + self.whole.logpdf(x)

    def cdf(self, x: Any) -> Any:
        return 2 * self.whole.cdf(x) - 1

    def ppf(self, u: Any) -> Any:
        return self.whole.ppf((u + 1) / 2)

    def _moment(self, power: int) -> float:
        # bounded integrands: the mean over evenly spaced probabilities converges slowly in the tail
        from scipy.integrate import quad

        value, _ = quad(lambda x: x**power * np.exp(self.logpdf(x)), 0, np.inf, limit=400)
        return float(value)

    def mean(self) -> float:
        return self._moment(1)

    def var(self) -> float:
        return self._moment(2) - self._moment(1) ** 2


SINGLE = {
    name: family
    for name, family in FAMILIES.items()
    if family.structure is None and family.categories is None
}
"""The families of single numbers; structures and labels have tests of their own."""

PROPER = [name for name, case in CASES.items() if case.scipy is not None]

FORWARD: Mapping[str, Callable[[Any], Any]] = {
    "log": np.log,
    "logit": special.logit,
    "probit": special.ndtri,
    "cloglog": lambda p: np.log(-np.log1p(-p)),
}


def stacked(name: str) -> tuple[dict[str, Any], Any]:
    """All argument sets of a case along a first axis, its points along a second one."""
    sets = CASES[name].arguments
    arguments = {key: np.array([[s[key]] for s in sets]) for key in sets[0]}
    if "n" in arguments:
        arguments["n"] = arguments["n"].astype(int)
    points = np.array(CASES[name].points)
    return arguments, points.astype(int) if FAMILIES[name].support.discrete else points


def linked_forms(name: str, plain: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Equal arguments in every form that has linked ones: one alone, and all at once."""
    linked = {
        p.name: [(f"{link}_{p.name}", FORWARD[link](plain[p.name])) for link in p.links]
        for p in FAMILIES[name].parameters
    }
    single = [{key: form} for key, forms in linked.items() for form in forms]
    everything = {key: forms[0] for key, forms in linked.items() if forms}
    return [
        dict(chosen.get(key, (key, value)) for key, value in plain.items())
        for chosen in (*single, everything)
    ]


def log_density(name: str, arguments: Mapping[str, Any], points: Any) -> Any:
    """SciPy's log density or log mass of a family."""
    reference = CASES[name].scipy
    assert reference is not None
    frozen = reference(**arguments)
    return frozen.logpdf(points) if hasattr(frozen, "logpdf") else frozen.logpmf(points)


def kolmogorov(draws: Any, cdf: Any) -> float:
    """The largest distance of two distribution functions, at the draws themselves."""
    points, counts = np.unique(draws, return_counts=True)
    return float(np.max(np.abs(np.cumsum(counts) / len(draws) - cdf(points))))
