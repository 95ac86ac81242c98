"""Prior predictive rows on a design that users have."""

import json
from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

import hdsl
from hdsl.workflow.simulate import Simulation
from hdsl.workflow.truth import as_csv, as_json

PROPER = """\
level shop
data sales, price : real
sales ~ normal(alpha + beta * price, sigma)
alpha ~ shop
beta ~ normal(-1, 1)
mean(alpha) ~ normal(10, 1)
sd(alpha) ~ halfnormal(2)
sigma ~ exponential(1)
"""
SHOPS = {"shop": ["007", "8", "007", "9"], "price": ["1.50", "2", "3", "4"]}


def simulate(model: str, rows: Mapping[str, object], **options: object) -> Simulation:
    return hdsl.parse(model).simulate(rows, **options)


def refusal(model: str, rows: Mapping[str, object], **options: object) -> tuple[str, ...]:
    with pytest.raises(hdsl.ModelError) as caught:
        simulate(model, rows, **options)
    return tuple(f"{d.code} {d.headline}" for d in caught.value.diagnostics)


def test_rows_without_outcomes_get_them_and_stay_as_they_are() -> None:
    found = simulate(PROPER, SHOPS)

    assert found.rows.columns == ["shop", "price", "sales"]
    assert found.rows.select("shop", "price").to_dict(as_series=False) == SHOPS
    assert found.rows["sales"].is_finite().all()
    assert set(found.truth[0].population()) == {"beta", "mean(alpha)", "sd(alpha)", "sigma"}


def test_one_seed_gives_the_same_rows_however_many_are_asked_for() -> None:
    one, three = simulate(PROPER, SHOPS, seed=4), simulate(PROPER, SHOPS, seed=4, times=3)

    first = three.rows.filter(pl.col("replicate") == 1).drop("replicate")
    assert first.equals(one.rows)
    assert not simulate(PROPER, SHOPS, seed=5).rows.equals(one.rows)
    assert three.rows.height == 12
    assert len({truth.population()["sigma"] for truth in three.truth}) == 3


def test_outcomes_have_the_distribution_of_the_model() -> None:
    settings = ("sigma = 0.5", "beta = -2", "sd(alpha) = 3", "mean(alpha) = 7")
    rows = {"shop": np.repeat(np.arange(1000), 5), "price": np.tile([1.0, 2, 3, 4, 5], 1000)}
    found = simulate(PROPER, rows, settings=settings)

    (truth,) = found.truth
    alpha = np.array(list(truth.nested()["alpha"].values()))
    rest = found.rows["sales"].to_numpy() - np.repeat(alpha, 5) + 2 * rows["price"]
    assert alpha.mean() == pytest.approx(7, abs=4 * 3 / np.sqrt(1000))
    assert alpha.std() == pytest.approx(3, rel=0.1)
    assert rest.mean() == pytest.approx(0, abs=4 * 0.5 / np.sqrt(5000))
    assert rest.std() == pytest.approx(0.5, rel=0.05)
    assert truth.population() == {"sigma": 0.5, "beta": -2, "sd(alpha)": 3, "mean(alpha)": 7}


def test_a_transformed_outcome_comes_back_on_its_own_scale() -> None:
    model = "data y : positive\nlog(y) ~ normal(a, s)\na ~ normal(2, 1)\ns ~ exponential(1)\n"
    rows = {"x": np.arange(2000)}
    found = simulate(model, rows, settings=("a = 2", "s = 0.3"))

    logs = np.log(found.rows["y"].to_numpy())
    assert logs.mean() == pytest.approx(2, abs=0.03)
    assert logs.std() == pytest.approx(0.3, abs=0.02)


DERIVED = """\
data gross, tax : positive
data net = log((gross - 1) / tax)
net ~ normal(a, 0.1)
a ~ normal(2, 0.001)
"""


def test_a_derived_outcome_is_written_into_the_column_that_it_is_made_of() -> None:
    tax = np.tile([1.0, 2.0, 4.0], 500)
    found = simulate(DERIVED, {"tax": tax})

    gross = found.rows["gross"].to_numpy()
    logs = np.log((gross - 1) / tax)
    assert logs.mean() == pytest.approx(2, abs=0.02)
    assert logs.std() == pytest.approx(0.1, rel=0.1)


def test_missing_outcomes_stay_missing_and_closed_days_stay_as_they_were() -> None:
    model = "data sales, open : count\ndata demand = where(open == 1, sales, missing)\n"
    model += "demand ~ poisson(rate)\nrate ~ gamma(100, 1)\n"
    rows = {"sales": [3, 0, 5, 4, None], "open": [1, 0, 1, 1, 1]}
    sales = simulate(model, rows).rows["sales"].to_list()

    assert [value is None for value in sales] == [False, True, False, False, True]
    assert min(value for value in sales if value is not None) > 50
    assert simulate(model, rows).rows["sales"].dtype == pl.Int64


def test_an_outcome_in_a_table_of_its_own_is_written_there() -> None:
    model = "data lift, se : real per product\nlift ~ normal(beta, se)\n"
    model += "beta ~ product\nmean(beta) ~ normal(5, 0.1)\nsd(beta) ~ halfnormal(0.1)\n"
    rows = {"product": ["a", "b", "c", "a"]}
    table = {"product": ["c", "a", "b"], "lift": [1.0, 2, 3], "se": [0.1, 0.1, 0.1]}
    found = simulate(model, rows, tables={"product": table})

    assert found.rows.columns == ["product"]
    lift = dict(found.tables["product"].select("product", "lift").iter_rows())
    beta = found.truth[0].nested()["beta"]
    assert lift == {name: pytest.approx(beta[name], abs=0.5) for name in "abc"}


def test_default_priors_need_the_outcome_that_scales_them() -> None:
    model = "level shop\ndata sales, price : real\nsales ~ normal(alpha + beta * price, sigma)\n"
    model += "alpha ~ shop\nbeta ~ normal(0, 1)\nmean(alpha) ~ normal(0, 1)\n"

    assert set(refusal(model, SHOPS)) == {
        f"H552 the default prior of `{name}` is scaled by `sales`, and the data have no values of "
        "`sales`"
        for name in ("sigma", "sd(alpha)")
    }
    given = simulate(model, {**SHOPS, "sales": [1.0, 2.0, 3.0, 4.0]})
    assert given.rows["sales"].is_finite().all()


def test_an_improper_prior_cannot_be_drawn_from() -> None:
    model = PROPER.replace("normal(-1, 1)", "flat()")

    assert refusal(model, SHOPS) == ("H551 nothing can be drawn from the prior of `beta`",)
    assert simulate(model, SHOPS, settings=("beta = 0",)).truth[0].population()["beta"] == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("data y : real\ndata z = abs(y)", "`abs(y)` does not say what its columns were"),
        ("data y : real\ndata z = y\ndata w = 2 * z", "`2 * z` is computed from it"),
        ("data y : real\ndata z = y\ndata w = y^2", "`y^2` is computed from it"),
    ],
)
def test_an_outcome_that_cannot_be_simulated(data: str, reason: str) -> None:
    model = f"{data}\nz ~ normal(a + b * 1, s)\na, b ~ normal(0, 1)\ns ~ exponential(1)\n"
    if " w " in data:
        model = model.replace("b * 1", "b * w")

    assert refusal(model, {"y": [1.0, 2, 3]}) == (f"H553 `z` cannot be simulated: {reason}",)


def test_what_was_cut_off_when_it_was_seen_cannot_be_simulated() -> None:
    model = "data t : positive\ndata died : binary\nt ~ censored(exponential(r), event = died)\n"
    model += "r ~ exponential(1)\n"

    (found,) = refusal(model, {"t": [1.0, 2, 3], "died": [0, 1, 0]})
    assert found.startswith("H553 `t` cannot be simulated: whether a value was seen")


def test_values_beyond_a_threshold_are_simulated_as_the_threshold() -> None:
    model = "data y, end : positive\ny ~ censored(exponential(r), upper = end)\nr ~ gamma(9, 9)\n"
    end = np.linspace(0.2, 3, 500)
    y = simulate(model, {"end": end}).rows["y"].to_numpy()

    assert (y <= end).all()
    assert 0.2 < (y == end).mean() < 0.8


def test_what_is_wrong_with_other_columns_is_said_of_them() -> None:
    (found,) = refusal(PROPER, {**SHOPS, "price": [1.0, None, 3.0, 4.0]})

    assert found.startswith("H9")
    assert "`price`" in found


def test_an_outcome_that_predicts_another_is_drawn_before_it() -> None:
    model = "data y, x, z : real\ny ~ normal(3 * x, 0.01)\nx ~ normal(m + z, 1)\nz ~ normal(5, 1)\n"
    model += "m ~ normal(0, 1)\n"
    found = simulate(model, {"id": np.arange(400)}, settings=("m = 2",))

    y, x, z = (found.rows[name].to_numpy() for name in ("y", "x", "z"))
    assert y - 3 * x == pytest.approx(0, abs=0.06)
    assert (x - z).mean() == pytest.approx(2, abs=0.2)
    assert np.corrcoef(x, z)[0, 1] > 0.5


def test_a_prior_that_overflows_is_an_error() -> None:
    model = "data y : count\ny ~ poisson(log_mu = a)\na ~ normal(100, 1)\n"

    assert refusal(model, {"y": [1, 2, 3]}) == (
        "H554 the prior predicts values of `y` that no number can hold",
    )


def test_the_truth_is_written_by_quantity_and_label() -> None:
    found = simulate(PROPER, SHOPS, times=2, settings=("sigma = 0.5",))

    written = json.loads(as_json(found.truth))
    assert [truth["sigma"] for truth in written] == [0.5, 0.5]
    assert list(written[0]["alpha"]) == ["007", "8", "9"]
    lines = as_csv(found.truth).splitlines()
    assert lines[0] == "replicate,quantity,value"
    assert f"2,alpha[007],{written[1]['alpha']['007']!r}" in lines
    assert as_csv(found.truth[:1]).splitlines()[0] == "quantity,value"
    assert json.loads(as_json(found.truth[:1])) == written[0]


@pytest.mark.parametrize(
    ("model", "given", "drawn"),
    [
        ("data y : ordered {low, mid, high}\ny ~ orderedlogistic(b)\nb ~ normal(0, 1)\n", None,
         {"low", "mid", "high"}),
        ("data y : factor\ny ~ categorical(logit_p = b)\nb[y] ~ normal(0, 1)\n", "cab", set("abc")),
        ("data y : count\ny ~ orderedlogistic(b)\nb ~ normal(0, 1)\n", [2, 3, 5], {2, 3, 5}),
    ],
    ids=["declared", "from the data", "numbers"],
)  # fmt: skip
def test_outcomes_that_are_labels(model: str, given: object, drawn: set[object]) -> None:
    rows: dict[str, object] = {"x": np.arange(300)}
    if given is not None:
        rows["y"] = list(given) * 100
    found = simulate(model, rows)

    assert set(found.rows["y"].to_list()) <= drawn
    assert len(set(found.rows["y"].to_list())) > 1


def test_labels_that_nothing_tells_are_asked_for() -> None:
    model = "data y : factor\ny ~ categorical(logit_p = b)\nb[y] ~ normal(0, 1)\n"
    assert refusal(model, {"x": [1, 2]}) == ("H553 `y` cannot be simulated without a column `y`",)
