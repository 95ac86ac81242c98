"""Defects that published models brought to light."""

from tests.check.helpers import checked, errors, priors


def test_scale_of_a_lognormal_outcome_is_that_of_its_logarithm():
    given = priors(checked("data w : positive\nw ~ lognormal(mu, sigma)\nmu ~ region"))
    assert given["sigma"] == "halfstudentt(4, sd(log(w)))"
    assert given["mean(mu)"] == "normal(mean(log(w)), 2.5 * sd(log(w)))"


def test_a_member_cannot_be_set_to_another_of_the_same_parameter():
    text = 'data y : real\ny ~ normal(u, s)\nu[k] ~ 1\nu["a"] = -u["b"]'
    assert errors(text) == [("H209", '-u["b"]')]
