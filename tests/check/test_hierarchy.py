"""Coefficient statements, accessors, correlations and domains."""

import pytest

from hdsl.ir.model import Correlation, Definition, Deviations, Node, Parameter
from hdsl.ir.text import text_of
from tests.check.helpers import checked, errors, found, priors

Y = "data y, x, z : real\n"


def node(text: str, name: str) -> Node:
    return checked(text).by_name[name]


def defined(text: str, name: str) -> tuple[tuple[str, ...], str]:
    found = node(text, name)
    assert isinstance(found, Definition)
    return found.domain, text_of(found.expr)


def test_exact_meaning_of_a_nested_formula():
    text = "data w : real per market\ndata v : real per store\n" + Y
    text += "y ~ normal(b, 1)\nb ~ market / store | w, v"
    assert defined(text, "b[market]") == (
        ("market",),
        "mean(b) + slope(b, w) * w + dev(b, market)",
    )
    assert defined(text, "b") == (("store",), "b[market] + slope(b, v) * v + dev(b, store)")


def test_zero_takes_the_mean_away():
    assert defined(Y + "y ~ normal(b, 1)\nb ~ 0 + g", "b") == (("g",), "dev(b)")
    assert errors(Y + "y ~ normal(b, 1)\nb ~ 0 + g\nm = mean(b)") == [("H210", "mean(b)")]


def test_crossed_coefficient_is_a_sum_of_parts_and_no_grid():
    text = "data w : real per store\n" + Y + "y ~ normal(b, 1)\nb ~ week + (store | w)"
    total = node(text, "b")
    assert isinstance(total, Definition) and not total.laid_out and not total.recorded
    assert defined(text, "b[store]") == (("store",), "mean(b) + slope(b, w) * w + dev(b, store)")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("log(b)", "exp(mean(log(b)) + dev(log(b)))"),
        ("log(-b)", "-exp(mean(log(-b)) + dev(log(-b)))"),
        ("logit(b)", "expit(mean(logit(b)) + dev(logit(b)))"),
    ],
)
def test_links_on_the_left(left, right):
    text = Y + f"y ~ normal(b * x, 1)\n{left} ~ g\nmean({left}) ~ normal(0, 1)\nsd({left}) = 1"
    assert defined(text, "b") == (("g",), right)


def test_an_index_by_a_level_gives_a_coefficient_per_member():
    model = checked(Y + "y ~ normal(t, 1)\nt[machine] ~ worker")
    assert model.by_name["sd(t)"].domain == ("machine",)
    assert model.by_name["t"].domain == ("worker", "machine")


def test_sd_of_several_levels_is_each_of_them():
    given = priors(checked(Y + "y ~ normal(b, 1)\nb ~ a / c\nsd(b) ~ halfnormal(3)"))
    assert given["sd(b, a)"] == given["sd(b, c)"] == "halfnormal(3)"
    error = found(Y + "y ~ normal(b, 1)\nb ~ a / c\nq = sd(b)")
    assert (error.code, error.help) == ("H210", "write `sd(b, a)`")


def test_results_keep_the_spelling_of_the_file():
    short = checked(Y + "y ~ normal(b, 1)\nb ~ g")
    long = checked(Y + "y ~ normal(b, 1)\nb ~ g\nsd(b, g) ~ halfnormal(1)")
    assert "sd(b)" in short.by_name and "sd(b, g)" in long.by_name


def test_an_implied_quantity_can_be_set_to_an_expression():
    text = (
        Y
        + "y ~ normal(b, 1)\nb ~ a / c\nsd(b, c) = exp(s)\ns ~ a\nmean(s) ~ normal(0, 1)\nsd(s) = 1"
    )
    assert defined(text, "sd(b, c)") == (("a",), "exp(s)")
    error = found(Y + "y ~ normal(b, 1)\nb ~ a\nsd(b) = abs(s) + 1\ns ~ q\nmean(s), sd(s) = 1")
    assert error.code == "H206" and "`sd(b)`" in error.headline and "`q`" in error.headline


# ---------------------------------------------------------------- correlations

THREE = Y + "y ~ normal(a + b * x + c * z, 1)\n"


def shares(text: str) -> list[tuple[str, tuple[str, ...], str | None]]:
    return [
        (n.level, tuple(s.coefficient for s in n.shares), n.correlation)
        for n in checked(text).nodes
        if isinstance(n, Deviations)
    ]


def test_targets_of_one_statement_are_joint():
    assert shares(THREE + "a, b ~ g\nc ~ g") == [
        ("g", ("a", "b"), "cor(a, b)"),
        ("g", ("c",), None),
    ]


def test_a_correlation_can_be_dropped_declared_and_joined():
    assert shares(THREE + "a, b ~ g\nc ~ 1\ncor(a, b) = 0") == [
        ("g", ("a",), None),
        ("g", ("b",), None),
    ]
    joined = THREE + "a ~ m / s\nb ~ m\nc ~ 1\ncor(a, b, m) ~ lkj(3)"
    assert sorted(shares(joined), key=str) == [
        ("m", ("a", "b"), "cor(a, b, m)"),
        ("s", ("a",), None),
    ]
    assert priors(checked(joined))["cor(a, b, m)"] == "lkj(3)"


def test_a_matrix_has_pairs_and_one_prior():
    model = checked(THREE + "a, b, c ~ g\ncor(a, b, c) ~ lkj(1)\nq = cor(c, a)")
    matrix = model.by_name["cor(a, b, c)"]
    assert isinstance(matrix, Correlation)
    assert matrix.pairs == (("cor(a, b)", 0, 1), ("cor(a, c)", 0, 2), ("cor(b, c)", 1, 2))


def test_zeros_split_a_matrix_only_into_whole_blocks():
    split = THREE + "a, b, c ~ g\ncor(a, c) = 0\ncor(b, c) = 0"
    assert shares(split) == [("g", ("a", "b"), "cor(a, b)"), ("g", ("c",), None)]
    assert errors(THREE + "a, b, c ~ g\ncor(a, c) = 0") == [("H405", "c")]


def test_a_correlation_along_an_axis():
    model = checked("y ~ normal(t, 1); t[machine] ~ worker; cor(t) ~ lkj(1)")
    matrix = model.by_name["cor(t)"]
    assert isinstance(matrix, Correlation) and matrix.axis == "machine"


# ---------------------------------------------------------------- domains


def test_a_domain_error_names_both_levels_and_the_operand():
    error = found("data y : real\nlevel s in r\ny ~ normal(q, 1)\nq[r] ~ normal(1 + a, 1)\na ~ s")
    assert error.code == "H206"
    assert "`r`" in error.headline and "`s`" in error.headline
    assert errors(
        "data y : real\nlevel s in r\ny ~ normal(q, 1)\nq[r] ~ normal(1 + a, 1)\na ~ s"
    ) == [("H206", "a")]


def test_a_coarser_value_is_looked_up():
    model = checked("level s in r\ny ~ normal(q, 1); q[s] ~ normal(a, 1); a ~ r")
    assert model.by_name["q"].domain == ("s",)


def test_a_definition_lives_where_its_parts_live():
    text = "y ~ normal(a + b, 1); a ~ r; b ~ 0 + s; gap = a - mean(a); both = a + b; one = sd(a)^2"
    model = checked(text)
    facts = {n: (model.by_name[n].domain, model.by_name[n]) for n in ("gap", "both", "one")}
    assert [facts[n][0] for n in facts] == [("r",), ("r", "s"), ()]
    recorded = {n: d.recorded for n, (_, d) in facts.items() if isinstance(d, Definition)}
    assert recorded == {"gap": True, "both": False, "one": True}


def test_an_index_asks_for_the_grid_and_report_for_the_rows():
    grid = checked("y ~ normal(e, 1); e[r, s] = a + b; a ~ r; b ~ 0 + s").by_name["e"]
    rows = checked("y ~ normal(e, 1); e = a + b; a ~ r; b ~ 0 + s; report e").by_name["e"]
    assert isinstance(grid, Definition) and isinstance(rows, Definition)
    assert (grid.domain, grid.recorded) == (("r", "s"), True)
    assert (rows.domain, rows.recorded) == (("row",), True)


def test_members_are_picked_and_pinned():
    text = (
        'level arm = {none, low, high}\ny ~ normal(t[low] + t["high"], 1)\nt[arm] ~ normal(0, 9)\n'
    )
    parameter = node(text + "t[none] = 0", "t")
    assert isinstance(parameter, Parameter)
    assert parameter.pinned[0][0] == ("none",)
    assert errors(text + 't["nine"] = 0') == [("H212", '"nine"')]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("alpha ~ 1 | region", "H402"),
        ("alpha ~ region / region", "H401"),
        ("alpha ~ 2 + region", "H403"),
        ("alpha ~ 0", "H403"),
        ("alpha ~ 0 + 1 + region", "H403"),
        ("alpha ~ region with centred", "H215"),
        ("alpha ~ region | x", "H404"),
        ("abs(alpha) ~ normal(0, 1)", "H310"),
    ],
)
def test_formulas_that_teach(statement, code):
    assert code in {c for c, _ in errors(Y + f"y ~ normal(alpha, 1)\n{statement}")}


# ---------------------------------------------------------------- supports


@pytest.mark.parametrize(
    ("prior", "help"),
    [
        ("sigma ~ normal(0, 1)", "write `sigma ~ halfnormal(1)`"),
        ("sigma ~ studentt(4, 0, 2)", "write `sigma ~ halfstudentt(4, 2)`"),
        ("sigma ~ cauchy(0, 5)", "write `sigma ~ halfcauchy(5)`"),
    ],
)
def test_a_prior_that_leaves_the_support(prior, help):
    error = found(Y + f"y ~ normal(m, sigma)\nm ~ 1\n{prior}")
    assert (error.code, error.help) == ("H301", help)


@pytest.mark.parametrize(
    "prior",
    [
        "sigma ~ uniform(0, 100)",
        "sigma^-2 ~ gamma(0.001, 0.001)",
        "log(sigma) ~ normal(0, 1)",
        "sigma ~ likely(0.1, 10)",
        "sigma = exp(l); l ~ normal(0, 1)",
        "log(sigma) ~ g",
    ],
)
def test_priors_within_the_support(prior):
    assert errors(Y + f"y ~ normal(m, sigma)\nm ~ 1\n{prior}") == []


def test_likely_is_the_natural_family():
    given = priors(checked("y ~ bernoulli(p); p ~ likely(0.2, 0.8)"))
    assert given == {"logit(p)": "normal(0, 0.707306)"}
    given = priors(checked("y ~ normal(0, s); s ~ likely(0.1, 10)"))
    assert given == {"s": "lognormal(0, 1.17481)"}


def test_expressions_that_leave_the_support():
    assert errors("y ~ poisson(a + b * x); a, b ~ normal(0, 1)") == [("H302", "a + b * x")]
    assert errors("y ~ bernoulli(exp(a)); a ~ normal(0, 1)") == [("H303", "exp(a)")]
    assert errors("y ~ poisson(t * time); t ~ gamma(1, 1)") == []
    assert errors("y ~ bernoulli(p * (1 - q)); p, q ~ beta(1, 1)") == []


@pytest.mark.parametrize("formula", ["g + k + g : k", "k + g : k", "g : k", "g / k", "q + q : k"])
def test_an_index_inside_a_level_of_the_formula_is_refused(formula):
    text = f"{Y}level g in q\nlevel h in g\ny ~ normal(b, s)\nb[h] ~ {formula}"
    assert errors(text) == [("H408", "b[h]")]
