"""What structures are distributed as: the covariance that the generated code gives them, exactly.

A structure is linear in its standard normal draws, given its parameters; so the code that makes it
is run on unit vectors, and the matrix found so times its transpose is the covariance.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from numpyro import handlers
from numpyro.distributions import ZeroSumNormal
from scipy import stats

from hdsl.backends import emit
from hdsl.compiler import model_of
from hdsl.source import Source
from tests.backends.densities import load

Array = np.ndarray[Any, np.dtype[np.float64]]


class Made:
    """A quantity of a model, as the generated code makes it from values of the sampled sites."""

    def __init__(self, folder: Path, statements: str, name: str, **columns: Any) -> None:
        model = model_of(Source(statements))
        self.name = name
        self.file = load(emit(model, "numpyro").text, folder, "structure")
        size = len(next(iter(columns.values())))
        self.data = self.file.prepare({"y": np.linspace(-1, 1, size), **columns})

    def at(self, **sites: Any) -> Array:
        """The value where the sites have these values."""
        return np.asarray(self._run(sites))

    def _run(self, sites: Mapping[str, Any]) -> Any:
        model = handlers.substitute(handlers.seed(self.file.model, 0), data=self._named(sites))
        return handlers.trace(model).get_trace(self.data)[self.name]["value"]

    def _named(self, sites: Mapping[str, Any]) -> dict[str, Any]:
        inside = f"({self.name})"
        draws = ("z", "local", "overall", "width")
        return {key + inside if key in draws else key: value for key, value in sites.items()}

    def covariance(self, shape: tuple[int, ...], **sites: Any) -> Array:
        """That of the value's cells in row-major order; ``shape`` is that of the draws."""
        size = int(np.prod(shape))
        unit = np.concatenate([np.zeros((1, size)), np.eye(size)]).reshape(-1, *shape)
        values = jax.jit(jax.vmap(lambda z: self._run({"z": z, **sites}).ravel()))(unit)
        loadings = np.asarray(values[1:] - values[0])
        return np.asarray(loadings.T @ loadings)


WEEKS = np.array([10, 9, 11, 7, 8, 12, 13])


def walk(n: int) -> Array:
    return np.minimum.outer(np.arange(1, n + 1), np.arange(1, n + 1)).astype(float)


def distances(n: int) -> Array:
    return np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(float)


def test_a_random_walk(tmp_path: Path) -> None:
    text = "level week ordered\ndata y : real\ny ~ normal(f, 1)\nf[week] ~ randomwalk(s)\n"
    made = Made(tmp_path, text, "f", week=WEEKS)
    assert made.data["coords"]["week"] == ["7", "8", "9", "10", "11", "12", "13"]
    np.testing.assert_allclose(made.covariance((7,), s=1.5), 1.5**2 * walk(7), rtol=1e-12)
    assert not made.at(z=np.zeros(7), s=1.0).any()


def test_a_walk_from_a_start(tmp_path: Path) -> None:
    text = (
        "level week ordered\ndata y : real\ny ~ normal(f, 1)\nf[week] ~ randomwalk(2, start = a)\n"
    )
    made = Made(tmp_path, text + "a ~ normal(0, 1)\n", "f", week=WEEKS)
    np.testing.assert_allclose(made.at(z=np.zeros(7), a=3.0), np.full(7, 3.0))
    np.testing.assert_allclose(made.covariance((7,), a=3.0), 4 * walk(7), rtol=1e-12)


@pytest.mark.parametrize("index", ["store, week", "week, store"])
def test_a_walk_for_each_group(tmp_path: Path, index: str) -> None:
    text = f"level week ordered\ndata y : real\ny ~ normal(f, 1)\nf[{index}] ~ randomwalk(s)\n"
    columns = {"week": np.tile([1, 2, 3], 2), "store": np.repeat(["a", "b"], 3)}
    made = Made(tmp_path, text + "s[store] ~ halfnormal(1)\n", "f", **columns)
    scales = np.array([0.5, 2.0])
    expected = np.kron(np.diag(scales**2), walk(3))
    if index == "week, store":
        cells = np.arange(6).reshape(2, 3).T.ravel()
        expected = expected[np.ix_(cells, cells)]
    np.testing.assert_allclose(made.covariance((2, 3), s=scales), expected, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9])
def test_an_autoregression_is_stationary(tmp_path: Path, n: int) -> None:
    text = "level week ordered\ndata y : real\ny ~ normal(f, 1)\nf[week] ~ ar(rho, s)\n"
    made = Made(tmp_path, text, "f", week=np.tile(np.arange(1, n + 1), 2))
    for rho in (-0.7, 0.0, 0.95):
        expected = 0.6**2 / (1 - rho**2) * rho ** distances(n)
        found = made.covariance((n,), rho=rho, s=0.6)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_an_autoregression_for_each_group(tmp_path: Path) -> None:
    text = "level week ordered\ndata y : real\ny ~ normal(f, 1)\nf[week, store] ~ ar(rho, 2)\n"
    columns = {"week": np.tile([1, 2, 3], 2), "store": np.repeat(["a", "b"], 3)}
    made = Made(tmp_path, text + "rho[store] ~ uniform(-1, 1)\n", "f", **columns)
    rho = np.array([0.5, -0.8])
    blocks = [4 / (1 - r**2) * r ** distances(3) for r in rho]
    expected = np.zeros((6, 6))
    expected[:3, :3], expected[3:, 3:] = blocks
    cells = np.arange(6).reshape(2, 3).T.ravel()
    found = made.covariance((2, 3), rho=rho)
    np.testing.assert_allclose(found, expected[np.ix_(cells, cells)], rtol=1e-12, atol=1e-15)


def centring(n: int) -> Array:
    return np.eye(n) - 1 / n


def test_effects_that_sum_to_zero(tmp_path: Path) -> None:
    text = "data y : real\ny ~ normal(f, 1)\nf[store] ~ zerosum(s)\n"
    made = Made(tmp_path, text, "f", store=np.array(list("abcd")))
    found = made.covariance((4,), s=1.5)
    np.testing.assert_allclose(found, 1.5**2 * centring(4), atol=1e-12)
    x = np.array([1.0, -2.0, 0.5, 0.5])
    # the density on the plane of zero sums: that of the library's distribution of this name
    expected = stats.multivariate_normal(cov=found, allow_singular=True).logpdf(x)
    assert float(ZeroSumNormal(1.5, (4,)).log_prob(x)) == pytest.approx(expected, rel=1e-6)


def test_a_grid_that_sums_to_zero_along_each_level(tmp_path: Path) -> None:
    text = "data y : real\ny ~ normal(f, 1)\nf[store, week] ~ zerosum(2)\n"
    columns = {"week": np.tile([1, 2, 3], 2), "store": np.repeat(["a", "b"], 3)}
    made = Made(tmp_path, text, "f", **columns)
    expected = 4 * np.kron(centring(2), centring(3))
    np.testing.assert_allclose(made.covariance((2, 3)), expected, atol=1e-12)


AGES = np.array([-3.0, -1.5, -1.0, 0.0, 0.2, 2.0, 3.0, 4.0])


def kernel(x: Array, alpha: float, rho: float) -> Array:
    return np.asarray(alpha**2 * np.exp(-0.5 * (np.subtract.outer(x, x) / rho) ** 2))


def smooth(call: str) -> str:
    return f"data y : real\ndata age : real per c\ny ~ normal(f, 1)\nf[c] ~ {call}\n"


def test_a_gaussian_process(tmp_path: Path) -> None:
    made = Made(tmp_path, smooth("gp(age, a, r)"), "f", age=AGES, c=np.arange(8))
    found = made.covariance((8,), a=1.5, r=2.0)
    np.testing.assert_allclose(found, kernel(AGES, 1.5, 2.0), atol=1e-7)


@pytest.mark.parametrize("rho", [0.7, 1.5, 3.0])
def test_the_approximation_is_close(tmp_path: Path, rho: float) -> None:
    made = Made(tmp_path, smooth("hsgp(age, a, r)"), "f", age=AGES, c=np.arange(8))
    found = made.covariance((40,), a=1.5, r=rho)
    np.testing.assert_allclose(found, kernel(AGES, 1.5, rho), atol=2e-3)


def test_more_waves_on_a_wider_domain_are_closer(tmp_path: Path) -> None:
    errors = []
    for options in ("waves = 5", "waves = 10", "waves = 80, boundary = 4"):
        made = Made(tmp_path, smooth(f"hsgp(age, 1, 1, {options})"), "f", age=AGES, c=np.arange(8))
        count = made.data["basis_of_age"].shape[1]
        errors.append(np.abs(made.covariance((count,)) - kernel(AGES, 1, 1)).max())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-10


@pytest.mark.parametrize("family", ["gp", "hsgp"])
def test_a_function_for_each_group(tmp_path: Path, family: str) -> None:
    text = "data y : real\ndata age : real per c\ny ~ normal(f, 1)\nf[store, c] ~ "
    columns = {"age": np.tile(AGES, 2), "c": np.tile(np.arange(8), 2)}
    stores = np.repeat(["a", "b"], 8)
    more = "a[store] ~ halfnormal(1)\nr[store] ~ halfnormal(1)\n"
    made = Made(tmp_path, text + f"{family}(age, a, r)\n" + more, "f", store=stores, **columns)
    alpha, rho = np.array([1.0, 0.3]), np.array([1.0, 2.5])
    shape = (2, 8) if family == "gp" else (2, 40)
    found = made.covariance(shape, a=alpha, r=rho)
    expected = np.zeros((16, 16))
    expected[:8, :8], expected[8:, 8:] = (
        kernel(AGES, a, r) for a, r in zip(alpha, rho, strict=True)
    )
    np.testing.assert_allclose(found, expected, atol=2e-3 if family == "hsgp" else 1e-7)


def test_new_data_keep_the_domain_of_the_training_data(tmp_path: Path) -> None:
    made = Made(tmp_path, smooth("hsgp(age, a, r)"), "f", age=AGES, c=np.arange(8))
    new = made.file.prepare({"age": AGES[:3], "c": np.arange(3)}, None, made.data["learned"])
    np.testing.assert_array_equal(new["frequency_of_age"], made.data["frequency_of_age"])
    np.testing.assert_array_equal(new["basis_of_age"][:3], made.data["basis_of_age"][:3])


@pytest.mark.parametrize("call", ["randomwalk(s)", "ar(rho, s)"])
def test_a_walk_goes_on_where_weeks_are_added(tmp_path: Path, call: str) -> None:
    text = f"level week ordered\ndata y : real\ny ~ normal(f, 1)\nf[week] ~ {call}\n"
    short, long = (Made(tmp_path, text, "f", week=np.arange(n)) for n in (5, 9))
    z = np.random.default_rng(0).normal(size=9)
    sites = {"s": 0.3, "rho": 0.9}
    np.testing.assert_allclose(long.at(z=z, **sites)[:5], short.at(z=z[:5], **sites), rtol=1e-12)


def test_the_horseshoe_is_piironens_and_vehtaris(tmp_path: Path) -> None:
    text = "data y : real\ny ~ normal(f, 1)\nf[store] ~ horseshoe(0.1, slab = 2, df = 5)\n"
    made = Made(tmp_path, text, "f", store=np.array(list("abc")))
    draw = np.random.default_rng(0)
    z, local = draw.normal(size=3), np.abs(draw.standard_cauchy(3)) * 5
    tau, c2 = 0.4, 3.0
    found = made.at(z=z, local=local, overall=tau, width=c2)
    shrunk = np.sqrt(c2 * local**2 / (c2 + tau**2 * local**2))  # eq. 2.8 of the paper
    np.testing.assert_allclose(found, tau * shrunk * z, rtol=1e-12)
    model = handlers.seed(made.file.model, 0)
    sites = handlers.trace(model).get_trace(made.data)
    width = sites["width(f)"]["fn"]
    expected = stats.invgamma(2.5, scale=2.5 * 2**2).logpdf(c2)
    assert float(width.log_prob(c2)) == pytest.approx(expected, rel=1e-6)
    assert float(sites["overall(f)"]["fn"].log_prob(tau)) == pytest.approx(
        stats.halfcauchy(scale=0.1).logpdf(tau), rel=1e-6
    )


def sites(folder: Path, statements: str, **columns: Any) -> dict[str, Any]:
    """The sites of a model with draws from its priors."""
    text = f"data y : real\n{statements}"
    made = Made(folder, text, "", **columns)
    return dict(handlers.trace(handlers.seed(made.file.model, 1)).get_trace(made.data))


def test_shares_sum_to_one_along_the_last_level(tmp_path: Path) -> None:
    text = "y ~ normal(w, 1)\nw[store, week] ~ dirichlet(a)\na[week] ~ exponential(1)\n"
    columns = {"week": np.tile([1, 2, 3], 2), "store": np.repeat(["a", "b"], 3)}
    found = sites(tmp_path, text, **columns)
    shares, concentration = found["w"]["value"], np.asarray(found["a"]["value"])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    expected = [stats.dirichlet(concentration).logpdf(row) for row in np.asarray(shares)]
    np.testing.assert_allclose(found["w"]["fn"].log_prob(shares), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "each"),
    [("normal(1, 2)", stats.norm(1, 2)), ("exponential(3)", stats.expon(scale=1 / 3))],
)
def test_increasing_values_are_sorted_draws(tmp_path: Path, call: str, each: Any) -> None:
    text = f"y ~ normal(w, 1)\nw[store, week] ~ increasing({call})\n"
    columns = {"week": np.tile([1, 2, 3], 2), "store": np.repeat(["a", "b"], 3)}
    found = sites(tmp_path, text, **columns)["w"]
    draws = np.asarray(found["fn"].sample(jax.random.key(0), (4000,)))
    assert (np.diff(draws, axis=-1) > 0).all()
    assert draws.shape == (4000, 2, 3)
    assert stats.kstest(draws[:, 0, 0], lambda x: 1 - each.sf(x) ** 3).pvalue > 1e-3
    assert stats.kstest(draws[:, 1, 2], lambda x: each.cdf(x) ** 3).pvalue > 1e-3
    value = draws[0]
    np.testing.assert_allclose(found["fn"].log_prob(value), each.logpdf(value).sum(axis=1), 1e-6)
