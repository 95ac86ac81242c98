"""Blocks of columns: domains, members, defaults, and what is refused."""

import pytest

from hdsl.compiler import expand
from hdsl.expr import Block, Constant, Contraction, Value, walk
from hdsl.ir.model import Data, LevelKind, Outcome, Parameter
from hdsl.source import Source
from tests.check.helpers import checked, errors, found, priors

HEAD = "data y, a, b : real\ndata f : factor\ndata u, v : real per g\n"
LINE = "y ~ normal(X @ theta, s)\n"


def test_a_block_has_an_axis_with_its_columns_as_members():
    model = checked(f"{HEAD}data X = [a, c = log(b), a * b]\n{LINE}theta[X] ~ g")
    block = model.by_name["X"]

    assert isinstance(block, Data)
    assert isinstance(block.expr, Block)
    assert block.domain == ("row", "X")
    assert model.levels["X"].kind is LevelKind.BLOCK
    assert model.levels["X"].members == ("a", "c", "a * b")
    assert model.by_name["theta"].domain == ("g", "X")
    assert model.by_name["mean(theta)"].domain == ("X",)


def test_members_that_the_data_name_are_not_known():
    model = checked(f"{HEAD}data X = [a, onehot(f)]\n{LINE}theta[X] ~ g")
    assert model.levels["X"].members == ()


def test_a_block_of_a_block_has_its_columns():
    model = checked(f"{HEAD}data X = [a, Z, w = Z]\ndata Z = [u, v]\n{LINE}theta[X] ~ g")
    assert model.levels["X"].members == ("a", "u", "v", "w:u", "w:v")


def test_the_sum_over_a_block_has_no_axis():
    model = checked(f"{HEAD}data Z = [u, v] per g\nm = Z @ eta\neta[Z] ~ 1\ny ~ normal(m, s)")
    assert model.by_name["m"].domain == ("g",)
    [outcome] = [n for n in model.nodes if isinstance(n, Outcome)]
    assert not any(isinstance(e, Contraction) for e in walk(outcome.distribution.arguments[0][1]))


def test_default_priors_are_scaled_column_by_column():
    given = priors(checked(f"{HEAD}data X = [a, b]\ny ~ normal(m + X @ theta, s)\n"
                           "theta[X] ~ g\nm ~ 1"))  # fmt: skip
    assert given["mean(theta)"] == "normal(0, 2.5 * sd(y) / sd(X))"
    assert given["sd(theta)"] == "halfnormal(2.5 * sd(y) / sd(X))"
    assert given["m"] == (
        "normal(mean(y), 2.5 * sd(y) + 2.5 * sd(y) * sqrt(mean(X) / sd(X) @ (mean(X) / sd(X))))"
    )


def test_a_number_in_a_block_is_an_intercept():
    given = priors(checked(f"{HEAD}data X = [1, a]\n{LINE}theta[X] ~ 1"))
    sd = "where(sd(X) > 0, sd(X), 1)"
    assert given["theta"] == (
        f"normal(where(sd(X) > 0, 0, mean(y)), where(sd(X) > 0, 2.5 * sd(y) / {sd}, "
        f"2.5 * sd(y) * sqrt(mean(X) / {sd} @ (mean(X) / {sd}))))"
    )


def test_centred_blocks_do_not_widen_the_intercept():
    text = f"{HEAD}data X = [a, b]\ny ~ normal(m + standardize(X) @ theta, s)\ntheta[X], m ~ 1"
    assert priors(checked(text))["m"] == "normal(mean(y), 2.5 * sd(y))"


@pytest.mark.parametrize("block", ["Z", "[u, w = u * v]", "onehot(k)"])
def test_a_block_after_a_bar_has_a_slope_per_column(block):
    head = HEAD + "data k : factor per g\ndata Z = [u, v] per g\n"
    model = checked(f"{head}y ~ normal(m, s)\nm ~ g | {block}")
    name = f"slope(m, {block})"

    assert model.by_name[name].domain == (block,)
    assert priors(model)[name] == f"normal(0, 2.5 * sd(y) / sd({block}))"
    assert model.by_name["m"].domain == ("g",)


def test_coefficients_of_a_block_are_regressed_on_a_block():
    model = checked(f"{HEAD}data X = [a, b]\ndata Z = [u, v] per g\n{LINE}theta[X] ~ g | Z")
    assert model.by_name["slope(theta, Z)"].domain == ("X", "Z")


def test_columns_of_a_block_are_correlated_on_request():
    text = f"{HEAD}data X = [a, b]\n{LINE}theta[X] ~ g\n"
    assert "cor(theta)" not in checked(text).by_name
    assert "cor(theta)" in checked(f"{text}cor(theta) ~ lkj(1)").by_name


def test_a_member_has_a_prior_of_its_own():
    model = checked(
        f"{HEAD}data X = [a, b]\n{LINE}theta[X] ~ g\n"
        'mean(theta[a]) ~ normal(-1, 1)\nsd(theta["b"]) = 0.1\n'
    )
    given = priors(model)
    assert given["mean(theta[a])"] == "normal(-1, 1)"
    assert given["mean(theta)"] == "normal(0, 2.5 * sd(y) / sd(X))"


def test_a_column_behind_a_bar_has_a_prior_of_its_own():
    text = (
        f"{HEAD}data X = [a, b]\ndata Z = [u, v] per g\n{LINE}theta[X] ~ g | Z\nm ~ g | Z, [u]\n"
        'slope(m, Z[u]) ~ normal(-1, 1)\nslope(m, Z["v"]) = 0\n'
        "slope(theta[a], Z[v]) ~ normal(0, 3)\nreport twice = 2 * slope(m, Z[u])"
    ).replace("X @ theta", "m + X @ theta")
    model = checked(text)

    given, pinned = priors(model), {n.name: dict(n.pinned) for n in model.nodes if is_pinned(n)}
    assert given["slope(m, Z[u])"] == "normal(-1, 1)"
    assert given["slope(m, Z)"] == "normal(0, 2.5 * sd(y) / sd(Z))"
    assert pinned == {
        "slope(m, Z)": {("u",): Value("slope(m, Z[u])"), ("v",): Constant(0.0)},
        "slope(theta, Z)": {("a", "v"): Value("slope(theta[a], Z[v])")},
    }
    assert checked(expand(Source(text))).by_name["twice"] == model.by_name["twice"]


def test_a_column_behind_a_bar_by_itself_is_no_member():
    text = f"{HEAD}data Z = [u, v] per g\ny ~ normal(m, s)\nm ~ g | Z[u]\n"
    assert priors(checked(f"{text}slope(m, Z[u]) ~ normal(1, 1)"))["slope(m, Z[u])"] == (
        "normal(1, 1)"
    )


def is_pinned(node):
    return isinstance(node, Parameter) and bool(node.pinned)


def test_a_members_prior_must_suit_what_it_is():
    text = f"{HEAD}data X = [a, b]\n{LINE}theta[X] ~ g\nsd(theta[a]) ~ normal(0, 1)"
    assert errors(text) == [("H301", "normal(0, 1)")]


@pytest.mark.parametrize(
    "statement",
    [
        "data X = [a, onehot(f)]",
        'data X = [a, dummies(f, baseline = "x")]',
        'data X = [spline(a, 3), columns("p*")]',
        "data X = spread(a, f, g)",
        "data Z = [a, b]\ndata X = [Z, z = Z, standardize(Z)]",
    ],
)
def test_what_expand_writes_is_the_same_model(statement):
    text = f"{HEAD}{statement}\n{LINE}theta[X] ~ g"
    written = expand(Source(text))
    assert expand(Source(written)) == written


REFUSED = {
    "empty": ("data X = []", "[]"),
    "two of a name": ("data X = [a, a]", "a"),
    "two of a name, by name": ("data X = [a, a = b]", "b"),
    "one block in another": ("data X = [a, [b]]", "[b]"),
}


@pytest.mark.parametrize(("statement", "blamed"), REFUSED.values(), ids=REFUSED)
def test_blocks_that_are_none(statement, blamed):
    text = f"{HEAD}{statement}\n{LINE}theta[X] ~ normal(0, 1)"
    assert errors(text) == [("H409", blamed)]


@pytest.mark.parametrize(
    ("line", "code", "blamed"),
    [
        ("y ~ normal(X, s)", "H206", "X"),
        ("y ~ normal(X * theta, s)", "H206", "X"),
        ("y ~ normal(X @ c, s); c ~ 1", "H409", "X @ c"),
        ("y ~ normal(a @ b, s)", "H409", "a @ b"),
        ("y ~ normal([a, b] @ theta, s)", "H409", "[a, b]"),
        ("y ~ normal(onehot(f), s)", "H409", "onehot(f)"),
        ("y ~ normal(theta[c], s)", "H212", "c"),
    ],
)
def test_blocks_where_none_can_stand(line, code, blamed):
    text = f"{HEAD}data X = [a, b]\n{line}\ntheta[X] ~ normal(0, 1)"
    assert (code, blamed) in errors(text)


def test_a_block_is_no_outcome():
    text = f"{HEAD}data X = [a, b]\nX ~ normal(0, 1)"
    assert found(text).headline == "the block `X` cannot be an outcome"


def test_a_coefficient_is_not_regressed_on_its_own_block():
    text = f"{HEAD}data Z = [u, v] per g\ny ~ normal(Z @ theta, s)\ntheta[Z] ~ g | Z"
    assert errors(text) == [("H408", "Z")]


@pytest.mark.parametrize(
    "call",
    ["onehot()", "onehot(f, g)", "dummies(f, 1)", "spline(a)", "spline(a, 0)", "spline(a, 2.5)",
     "spread(a, f)", "columns(a)", 'columns("a", "b")', "spline(a, knots = 3)"],
)  # fmt: skip
def test_arguments_are_checked(call):
    text = f"{HEAD}data X = [{call}]\n{LINE}theta[X] ~ normal(0, 1)"
    assert errors(text) == [("H205", call)]
