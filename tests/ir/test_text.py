"""Expressions and distributions print as the language reads them."""

import pytest

from hdsl.expr import Apply, Constant, Label, Member, Summary, Value, apply
from hdsl.ir.model import Distribution, Transform
from hdsl.ir.text import dump, text_of, text_of_distribution, text_of_target
from tests.render import models

CASES = [
    (apply("+", apply("*", "a", "b"), "c"), "a * b + c"),
    (apply("*", "a", apply("+", "b", "c")), "a * (b + c)"),
    (apply("-", "a", apply("-", "b", "c")), "a - (b - c)"),
    (apply("-", apply("-", "a", "b"), "c"), "a - b - c"),
    (apply("/", "a", apply("*", "b", "c")), "a / (b * c)"),
    (apply("^", apply("-", "x"), 2), "(-x)^2"),
    (apply("-", apply("^", "x", 2)), "-x^2"),
    (apply("^", "x", -2), "x^-2"),
    (apply("^", -2, 2), "(-2)^2"),
    (apply("^", apply("^", "a", "b"), "c"), "(a^b)^c"),
    (apply("^", "a", apply("^", "b", "c")), "a^b^c"),
    (apply("*", -1.5, "x"), "-1.5 * x"),
    (apply("+", apply("-", "a"), "b"), "-a + b"),
    (apply("==", "sex", Label("F")), 'sex == "F"'),
    (apply("*", apply("<", "a", "b"), "c"), "(a < b) * c"),
    (apply("==", apply("==", "a", "b"), "c"), "(a == b) == c"),
    (apply("where", apply("==", "open", 1), "sales", Apply("missing", ())), None),
    (Member(Member(Value("s"), "g", "x"), "h", "y"), 's["x", "y"]'),
    (Summary("sd", apply("log", "q"), ("row",)), "sd(log(q))"),
    (Constant(1e20), "1e+20"),
    (Constant(0.1), "0.1"),
]


@pytest.mark.parametrize(("expr", "text"), CASES)
def test_expressions(expr, text):
    assert text_of(expr) == (text or "where(open == 1, sales, missing)")


def test_distributions_are_positional_as_far_as_the_language_allows():
    def written(family, *names):
        return text_of_distribution(Distribution(family, tuple((n, Value(n)) for n in names)))

    assert written("studentt", "nu", "mu", "sigma") == "studentt(nu, mu, sigma)"
    assert written("poisson", "log_mu") == "poisson(log_mu = log_mu)"
    assert written("negbinomial", "log_mu", "phi") == "negbinomial(log_mu = log_mu, phi = phi)"
    assert written("lkj", "eta") == "lkj(eta)"
    assert written("skewnormal", "mu", "sigma", "alpha").startswith("skewnormal(mu = mu, ")


def test_targets():
    assert text_of_target("tau", Transform("power", power=-2.0)) == "tau^-2"
    assert text_of_target("beta", Transform("log", negated=True)) == "log(-beta)"


@pytest.mark.parametrize("name", models.CASES)
def test_dump_is_the_same_for_equal_models(name):
    make, _ = models.CASES[name]
    assert make() == make()
    assert dump(make()) == dump(make())
