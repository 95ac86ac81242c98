"""Blocks of columns in data: what they hold, what they are called, what is remembered of them."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from hdsl.compiler import compile_model
from hdsl.data.collinear import tied
from hdsl.data.new_rows import Remembered, bind_new
from hdsl.data.read import parse_csv
from hdsl.data.several import natural_spline
from hdsl.data.training import remember
from tests.data.binding import bound, codes, model_of

_RNG = np.random.default_rng(5)
ROWS = "y,store,region,day,size,brand,price,promo,income,p1,p10,p9\n" + "".join(
    f"{i % 4},s{i // 4},r{i // 16},{('Mon', 'Tue', 'Wed')[i % 3]},"
    f"{('S', 'L', 'XL')[i % 7 % 3]},{('A', 'B')[i % 2]},"
    f"{1 + i % 5 + i / 50:.3f},{int(_RNG.integers(0, 2))},{(i // 16 + 1) ** 2},"
    f"{_RNG.normal():.3f},{_RNG.normal():.3f},{_RNG.normal():.3f}\n"
    for i in range(48)
)
HEAD = """\
data y : count
data price, promo : real
data day, brand : factor
data size : factor {S, M, L, XL}
data income : real per region
level store in region
"""
TAIL = "y ~ poisson(log_mu = X @ theta)\ntheta[X] ~ normal(0, 1)\n"


def prepare(text: str, rows: str, learned: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the generated file makes of the rows; what is learned went through JSON."""
    binding = bound(text, rows)
    assert binding.sound, [d.headline for d in binding.diagnostics]
    space: dict[str, Any] = {}
    exec(compile_model(model_of(text), "numpyro", binding.facts).text, space)
    found: dict[str, Any] = space["prepare"](binding.rows, binding.tables, learned)
    found["learned"] = json.loads(json.dumps(found["learned"]))
    return found


ITEMS = {
    "columns": ("promo, log(price), twice = 2 * promo", ("promo", "log(price)", "twice")),
    "a number": ("1, promo", ("1", "promo")),
    "of a coarser level": ("promo, income", ("promo", "income")),
    "onehot": ("onehot(day)", ("day:Mon", "day:Tue", "day:Wed")),
    "onehot, named": ("weekday = onehot(day)", ("weekday:Mon", "weekday:Tue", "weekday:Wed")),
    "onehot of a level": ("promo, onehot(region)",
                          ("promo", "region:r0", "region:r1", "region:r2")),
    "onehot in an order of its own": ("onehot(size)", ("size:S", "size:L", "size:XL")),
    "dummies in an order of its own": ("dummies(size)", ("size:L", "size:XL")),
    "dummies": ("dummies(day)", ("day:Tue", "day:Wed")),
    "dummies with a baseline": ('dummies(day, baseline = "Wed")', ("day:Mon", "day:Tue")),
    "spline": ("spline(price, 2), promo", ("spline(price, 2):1", "spline(price, 2):2", "promo")),
    "pattern": ('columns("p[0-9]*")', ("p1", "p9", "p10")),
    "pattern with names known": ('columns("pr*")', ("price", "promo")),
    "a comparison": ('day == "Mon", promo', ('day == "Mon"', "promo")),
    "a function of a column": ("standardize(price), center(promo)",
                               ("standardize(price)", "center(promo)")),
}  # fmt: skip


@pytest.mark.parametrize(("items", "labels"), ITEMS.values(), ids=ITEMS)
def test_binding_and_prepare_make_the_same_matrix(items: str, labels: tuple[str, ...]) -> None:
    text = f"{HEAD}data X = [{items}]\n{TAIL}"
    binding, data = bound(text, ROWS), prepare(text, ROWS)

    assert binding.facts.labels["X"] == labels
    assert tuple(data["coords"]["X"]) == labels
    column = binding.dataset.columns["X"]
    assert column.domain == ("row", "X")
    np.testing.assert_allclose(data["X"], column.numbers, atol=1e-12)


@pytest.mark.parametrize("items", [items for items, _ in ITEMS.values()], ids=ITEMS)
def test_new_rows_are_made_as_those_of_training(items: str) -> None:
    text = f"{HEAD}data X = [{items}]\n{TAIL}"
    whole = prepare(text, ROWS)
    head, *lines = ROWS.splitlines()
    few = "\n".join([head, *lines[20:23]]) + "\n"

    again = prepare(text, few, whole["learned"])

    np.testing.assert_allclose(again["X"], whole["X"][20:23], atol=1e-12)
    assert list(again["coords"]["X"]) == list(whole["coords"]["X"])


def test_a_label_that_training_did_not_have_is_an_error() -> None:
    text = f"{HEAD}data X = [onehot(day)]\n{TAIL}"
    learned = prepare(text, ROWS)["learned"]

    with pytest.raises(ValueError, match=r"'day' that the training data do not have: \['Sun'\]"):
        prepare(text, ROWS.replace("Wed", "Sun"), learned)


def test_spread_gives_every_brand_its_own_and_the_others_prices() -> None:
    rows = "y,week,brand,price\n1,1,A,5\n2,1,B,7\n3,2,B,8\n4,2,A,6\n"
    text = (
        "data y : count\ndata price : real\nlevel week; level brand\n"
        "data X = spread(price, brand, week)\n" + TAIL
    )

    assert prepare(text, rows)["X"].tolist() == [[5, 7], [5, 7], [6, 8], [6, 8]]
    assert bound(text, rows).facts.labels["X"] == ("price:A", "price:B")
    assert codes(bound(text, rows + "5,3,A,9\n")) == ["H940"]
    assert codes(bound(text, rows + "5,1,A,9\n")) == ["H940"]


def test_a_pattern_takes_the_columns_of_a_levels_own_table() -> None:
    text = (
        "data y : count\nlevel region\n"
        'data Z = [columns("w*")] per region\ny ~ poisson(log_mu = mu)\n'
        "mu ~ region | Z\nslope(mu, Z) ~ normal(0, 1)\n"
    )
    table = "region,wet,warm\nr2,3,1\nr0,1,5\nr1,2,4\n"
    binding = bound(text, ROWS, {"region": table})
    space: dict[str, Any] = {}
    exec(compile_model(model_of(text), "pymc", binding.facts).text, space)

    data = space["prepare"](binding.rows, binding.tables)

    assert data["coords"]["Z"] == ["warm", "wet"]
    assert data["Z"].tolist() == [[5, 1], [4, 2], [1, 3]]
    np.testing.assert_array_equal(binding.dataset.columns["Z"].values, data["Z"])


def test_what_is_missing_is_counted_column_by_column() -> None:
    gaps = ROWS.replace("0,s0,r0,Mon,S,A,1.000", "0,s0,r0,Mon,S,A,")
    binding = bound(f"{HEAD}data X = [promo, log(price), onehot(day)]\n{TAIL}", gaps)

    assert [d.headline for d in binding.diagnostics] == ["`price` is missing in 1 row of 48"]


def test_what_cannot_be_computed_names_its_column() -> None:
    zero = ROWS.replace("0,s0,r0,Mon,S,A,1.000", "0,s0,r0,Mon,S,A,0")
    binding = bound(f"{HEAD}data X = [promo, log(price)]\n{TAIL}", zero)

    assert [d.headline for d in binding.diagnostics] == ["`log(price)` cannot be computed in 1 row"]


def test_columns_that_never_vary_are_named_unless_the_model_writes_the_number() -> None:
    text = HEAD + "data X = [ITEM, promo]\ny ~ poisson(log_mu = X @ theta)\ntheta[X] ~ 1\n"

    [said] = bound(text.replace("ITEM", "a = 0 * price + 1"), ROWS).diagnostics
    assert said.headline.startswith('column "a" of `X` never varies')
    assert codes(bound(text.replace("ITEM", "1"), ROWS)) == []


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("1, onehot(day)", '"day:Wed" is a weighted sum of "1", "day:Mon", "day:Tue"'),
        ("promo, half = promo / 2", '"half" is a weighted sum of "promo"'),
        ("promo, nothing = 0 * price", '"nothing" is 0 everywhere'),
    ],
)
def test_columns_that_add_up_to_others_are_named(items: str, said: str) -> None:
    [warning] = bound(f"{HEAD}data X = [{items}]\n{TAIL}", ROWS).diagnostics

    assert warning.headline == f"in the block `X` {said}"


_ADDED_UP = (
    'in the block `X` "day:Wed" is a weighted sum of the intercept `{}`, "day:Mon", "day:Tue"'
)


@pytest.mark.parametrize(
    ("written", "intercept"),
    [
        ("y ~ poisson(log_mu = a + X @ theta)\na ~ normal(0, 9)\ntheta[X] ~ store\n", "a"),
        ("y ~ poisson(mu)\nlog(mu) = a + X @ theta\na ~ store\ntheta[X] ~ 1\n", "mean(a)"),
        ("size ~ orderedlogistic(X @ theta, cut(size))\ntheta[X] ~ normal(0, 1)\n", "cut(size)"),
    ],
)
def test_all_labels_beside_an_intercept_outside_the_block_are_warned_of(
    written: str, intercept: str
) -> None:
    head = HEAD.replace("size : factor", "size : ordered") + "data X = [onehot(day)]\n"
    [warning] = bound(head + written, ROWS).diagnostics

    assert (warning.code, warning.headline) == ("H942", _ADDED_UP.format(intercept))
    assert warning.help is not None and "`dummies`" in warning.help
    assert codes(bound(head.replace("onehot", "dummies") + written, ROWS)) == []


@pytest.mark.parametrize(
    "theta",
    [
        "theta[X] ~ normal(0, s)\ns ~ halfnormal(1)\n",
        "theta[X] ~ 0 + store\n",
        'theta[X] ~ 1\ntheta["day:Mon"] = 0\n',
    ],
)
def test_pooled_labels_and_a_baseline_stand_beside_an_intercept(theta: str) -> None:
    text = "y ~ poisson(log_mu = a + X @ theta)\na ~ normal(0, 9)\n"

    assert codes(bound(f"{HEAD}data X = [onehot(day)]\n{text}{theta}", ROWS)) == []


def test_columns_far_from_zero_are_not_taken_for_one_another() -> None:
    year = 2000 + np.arange(10.0)
    assert tied(np.column_stack([np.ones(10), year, year**2])) == []
    assert tied(np.column_stack([np.ones(10), year, 3 * year - 7])) == [(2, (0, 1))]


def test_a_spline_spans_the_natural_cubic_ones_in_unit_columns() -> None:
    x = np.sort(_RNG.normal(size=200))
    basis = natural_spline(np.append(x, np.nan), 4)

    assert np.isnan(basis[-1]).all()
    np.testing.assert_allclose(np.cov(basis[:-1].T), np.eye(4), atol=1e-9)
    np.testing.assert_allclose(basis[:-1].mean(axis=0), 0, atol=1e-9)
    knots = np.quantile(x, np.linspace(0, 1, 5))
    through = CubicSpline(knots, _RNG.normal(size=5), bc_type="natural")(x)
    design = np.column_stack([np.ones(200), basis[:-1]])
    weights = np.linalg.lstsq(design, through)[0]
    np.testing.assert_allclose(design @ weights, through, atol=1e-8)


def test_a_spline_can_be_of_few_and_of_tied_values() -> None:
    x = np.repeat([1.0, 2.0, 4.0], 5)
    basis = natural_spline(x, 2)
    np.testing.assert_allclose(np.cov(basis.T), np.eye(2), atol=1e-9)


def test_new_rows_keep_the_columns_that_a_pattern_took_in_training() -> None:
    text = f'{HEAD}data X = [columns("p[0-9]*"), onehot(day)]\n{TAIL}'
    binding, learned = bound(text, ROWS), prepare(text, ROWS)["learned"]
    known = Remembered(remember(binding.dataset, frozenset()), learned)
    more = "\n".join(
        f"{line},{'p2' if i == 0 else i}" for i, line in enumerate(ROWS.splitlines()[:4])
    )

    found = bind_new(model_of(text), parse_csv(more + "\n"), {}, known)

    assert [d.headline for d in found.diagnostics] == []
    assert {"p1", "p9", "p10"} <= found.rows.keys()
    assert "p2" not in found.rows
    gone = bind_new(model_of(text), parse_csv(more.replace("p10", "q10") + "\n"), {}, known)
    assert [d.headline for d in gone.diagnostics] == ["the data have no column `p10`"]
