"""Defects that published models brought to light."""

from cProfile import Profile

import pytest

from hdsl.compiler import check_source
from hdsl.source import Source
from tests.check.helpers import checked, errors, found, priors


def test_scale_of_a_lognormal_outcome_is_that_of_its_logarithm():
    given = priors(checked("data w : positive\nw ~ lognormal(mu, sigma)\nmu ~ region"))
    assert given["sigma"] == "halfstudentt(4, sd(log(w)))"
    assert given["mean(mu)"] == "normal(mean(log(w)), 2.5 * sd(log(w)))"


def test_a_member_cannot_be_set_to_another_of_the_same_parameter():
    text = 'data y : real\ny ~ normal(u, s)\nu[k] ~ 1\nu["a"] = -u["b"]'
    assert errors(text) == [("H209", '-u["b"]')]


def test_an_outcome_that_is_not_declared_is_named_and_nothing_else():
    text = "data x : real\ny ~ normal(a + b * x, s)\na, b ~ h"
    assert errors(text) == [("H211", "y")]
    assert found(text).help == "declare it too: `data y : real`"


def test_an_outcome_that_is_misspelt_is_named_and_nothing_else():
    text = "data x, log_q : real\nlogq ~ normal(a + b * x, s)\na, b ~ h"
    assert errors(text) == [("H211", "logq")]
    assert found(text).help == "did you mean `log_q`?"


def test_an_outcome_that_a_definition_uses_must_be_declared():
    text = "y ~ normal(a, s)\na ~ normal(0, 1)\ns ~ exponential(1)\nz = (y - a) / s"
    assert found(text).help == "data that other statements use must be declared: `data y : real`"
    assert checked("data y : real\n" + text).by_name["y"].observed


def test_an_idle_parameter_is_no_second_outcome():
    assert errors("y ~ normal(a, s)\na ~ 1\nb ~ normal(0, 1)") == [("H208", "b")]


def test_an_outcome_of_constants_alone_is_an_outcome():
    assert checked("y ~ normal(0, 1)").by_name["y"].observed


@pytest.mark.parametrize(
    "line", ["q{0} = a + {0}", "q{0} = zz{0} + {0}", "a ~ normal(0, {0})", "b{0} ~ normal(0, 1)"]
)
def test_effort_grows_with_the_length_of_a_file_and_not_with_its_square(line):
    calls = []
    for count in (100, 400):
        text = "data y : real\ny ~ normal(a, s)\na ~ 1\n" + "\n".join(
            line.format(i + 1) for i in range(count)
        )
        profile = Profile()
        profile.runcall(check_source, Source(text))
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert calls[1] < 6 * calls[0]


def test_products_of_many_sums_are_not_multiplied_out():
    factors = " * ".join(f"(a{i} + b{i})" for i in range(30))
    names = ", ".join(f"a{i}, b{i}" for i in range(30))
    assert errors(f"y ~ normal({factors}, s)\n{names} ~ normal(0, 1)") == []
