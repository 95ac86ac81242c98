"""Effects integrated out: the density that is left, and the draws that bring them back."""

import numpy as np
import pytest

from hdsl.compiler import arranged, compile_model, model_of
from hdsl.ir.facts import Facts
from hdsl.source import Source
from tests.backends import densities
from tests.passes.marginals import compare

DATA = "data y, x : real\nlevel sub in market\n"
CASES = {
    "one level, correlated": "y ~ normal(a + b * x, s)\na, b ~ market\n",
    "no population": "y ~ normal(a + x, s)\na ~ 0 + sub\n",
    "population alone": "y ~ normal(a + b * x, s)\na ~ 1\nb ~ 1\n",
    "nested, with a predictor of the coarser level": (
        "data inc : real per market\n"
        "y ~ normal(a + b * x, s)\na ~ market / sub | inc\nb ~ market\ncor(a, b, market) ~ lkj(2)\n"
    ),
    "crossed: the larger factor": "y ~ normal(a + b * x, s)\na ~ sub + kind\nb ~ sub\n",
    "three correlated": "y ~ normal(a + b * x + c * x^2, s)\na, b, c ~ sub\n",
    "two components at one level": (
        "data inc : real per market\ny ~ normal(a0 + a1 * inc + b * x, s)\na0 ~ sub\nb ~ sub\n"
        "a1 ~ 0 + sub\n"
    ),
    "a scale by group": "y ~ normal(a + b * x, s)\na, b ~ sub\nlog(s) ~ market\n",
    "a known scale by row": "data w : positive\ny ~ normal(a + b * x, w)\na, b ~ sub\n",
    "a known scale, crossed": (
        "data w : positive\ny ~ normal(a + b * x, w)\na ~ sub + kind\nb ~ 1\n"
    ),
    "an offset": "data w : positive\ny ~ normal(2 * w + a + b * x, s)\na ~ sub\nb ~ 1\n",
    "what is not linear stays": (
        "y ~ normal(a + b * exp(-k * x), s)\na ~ sub\nb ~ normal(0, 1)\nk ~ lognormal(0, 1)\n"
    ),
    "a mean without a normal prior": (
        "y ~ normal(a - x * b, s)\na ~ sub\nmean(a) ~ studentt(4, 0, 3)\n"
        "b ~ normal(m, 1)\nm ~ normal(0, 1)\n"
    ),
    "missing outcomes": (
        "data w : positive\ndata z = where(w > 0.3, y, missing)\nz ~ normal(a + b * x, s)\n"
        "a, b ~ sub\n"
    ),
    "another outcome beside it": (
        "data c : count\ny ~ normal(a + b * x, s)\na, b ~ sub\nc ~ poisson(r)\nlog(r) ~ market\n"
    ),
}


def rows(count: int = 60) -> dict[str, np.ndarray]:
    """Unbalanced groups, one of a single row."""
    rng = np.random.default_rng(0)
    sub = np.where(np.arange(count) == 0, 7, rng.integers(0, 7, count))
    return {
        "y": rng.normal(size=count) + 5, "x": rng.normal(size=count),
        "w": rng.exponential(size=count) + 0.1, "c": rng.poisson(2, count),
        "sub": sub.astype(str), "market": (sub // 3).astype(str), "inc": sub // 3 * 0.3,
        "kind": rng.integers(0, 3, count).astype(str),
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_marginal_is_exact_and_so_are_the_draws(case, tmp_path):
    model = model_of(Source(DATA + CASES[case]))
    assert arranged(model).gaussian is not None
    file = compile_model(model, "numpyro", level=1)
    module = densities.load(file.text, tmp_path, f"collapsed_{list(CASES).index(case)}")
    found = compare(module, module.prepare(rows()))
    assert found.collapsed == pytest.approx(found.exact, rel=1e-10)
    draws, size = found.whitened.shape
    assert np.abs(found.whitened.mean(axis=0)).max() < 5 / np.sqrt(draws)
    assert np.abs(np.cov(found.whitened.T) - np.eye(size)).max() < 8 / np.sqrt(draws)


def test_something_is_left_to_sample():
    found = arranged(model_of(Source("data y : real\ny ~ normal(a, 1)\na ~ 1\n")))
    assert not found.changed
    assert [remark.kind for remark in found.remarks] == ["declined"]


def test_a_centred_coefficient_keeps_its_mean():
    text = "y ~ normal(a + b * x, s)\na ~ sub with centered\nb ~ sub\n"
    found = arranged(model_of(Source(DATA + text))).gaussian
    assert [node.name for node, _ in found.population] == ["mean(b)"]
    assert [node.name for tier in found.tiers for node in tier.nodes] == ["deviations(b, sub)"]


@pytest.mark.parametrize(
    "text",
    [
        "y ~ studentt(4, a, s)\na ~ sub\n",
        "y ~ normal(exp(a), s)\na ~ sub\n",  # not linear
        "y ~ normal(a, s)\na ~ sub\nlog(s) ~ row_kind\nlevel row_kind from kind\n",  # finer scale
    ],
)
def test_what_cannot_be_integrated_out_is_left(text):
    found = arranged(model_of(Source(DATA + text)))
    assert found.gaussian is None or not found.gaussian.tiers


def test_of_two_crossed_levels_the_one_with_more_groups_goes():
    model = model_of(Source("data y : real\ny ~ normal(a, s)\na ~ j + k\n"))
    for larger in ("j", "k"):
        facts = Facts(100, {"j": 3, "k": 3} | {larger: 30}, {})
        found = arranged(model, facts)
        assert [tier.level for tier in found.gaussian.tiers] == [larger]


def test_matrices_that_no_memory_holds_are_not_made():
    model = model_of(Source(DATA + CASES["three correlated"]))
    found = arranged(model, Facts(9_000_000, {"sub": 3_000_000, "market": 2}, {}))
    assert found.gaussian is None
    assert "3,000,000" in found.remarks[0].says


def test_a_pass_can_be_left_out_and_says_what_it_did():
    model = model_of(Source(DATA + CASES["one level, correlated"], "m.hdsl"))
    assert arranged(model, without=("integrate",)).gaussian is None
    remark, _ = arranged(model).remarks
    assert (remark.by, remark.kind) == ("integrate", "done")
    assert "market" in remark.says
    assert "recover" in remark.says
    assert "def collapsed" not in compile_model(model, "numpyro", level=0).text


def test_effects_that_something_else_needs_stay_sampled():
    text = "y ~ normal(a, s)\na ~ sub\ndata c : count\nc ~ poisson(r)\nlog(r) = a\n"
    assert arranged(model_of(Source(DATA + text))).gaussian is None
