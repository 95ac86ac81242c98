"""`new(b)`: what it is called, and where it cannot stand."""

import pytest

from hdsl.compiler import expand
from hdsl.ir.model import Definition, Parameter
from hdsl.render.equations import equations
from hdsl.source import Source
from tests.check.helpers import checked, found

BASE = "level store in market\ndata y, x : real\ny ~ normal(alpha + beta * x, sigma)\n"
BASE += "alpha, beta ~ market / store\nlog(sigma) ~ market\n"


@pytest.mark.parametrize(
    ("asked", "domain"),
    [("new(alpha)", ()), ("new(alpha, market)", ("market",)), ("new(log(sigma))", ())],
)
def test_it_is_named_as_it_is_written(asked: str, domain: tuple[str, ...]) -> None:
    model = checked(BASE + f"report {asked}")
    node = model.by_name[asked]
    assert isinstance(node, Definition) and node.domain == domain and node.recorded


def test_its_deviates_are_hidden() -> None:
    model = checked(BASE + "a = new(alpha)")
    z = [n for n in model.nodes if isinstance(n, Parameter) and n.name.startswith("z(new")]
    assert [n.name for n in z] == ["z(new(alpha, market))", "z(new(alpha, store))"]
    assert all(n.hidden for n in z)


def test_a_link_is_undone_where_the_bare_name_is_asked() -> None:
    text = equations(checked(BASE + "s = new(sigma)"), "text")
    assert "new(sigma) = exp(mean(log(sigma)) + sd(log(sigma)) * z(new(log(sigma))))" in text


def test_expansion_keeps_it() -> None:
    written = expand(Source(BASE + "a = new(alpha, market) < 0"))
    assert "a = (new(alpha, market) < 0)" in written or "a = new(alpha, market) < 0" in written
    assert expand(Source(written)) == written


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("a = new(x)", "H210"),
        ("a = new(alpha, store)", "H210"),
        ("a = new(alpha, week)", "H201"),
        ("new(alpha) = 2", "H207"),
        ("new(alpha) ~ normal(0, 1)", "H207"),
    ],
)
def test_what_cannot_be_is_one_error(line: str, code: str) -> None:
    assert found(BASE + line).code == code


def test_no_distribution_may_learn_of_it() -> None:
    direct = BASE.replace("beta * x, sigma", "beta * x + new(beta), sigma")
    assert found(direct).code == "H207"
    through = BASE.replace("beta * x, sigma", "beta * x + extra, sigma")
    assert found(through + "extra = new(beta)").code == "H207"


def test_a_factor_has_no_mean() -> None:
    text = "data y : real\ny ~ normal(a, 1)\na ~ store | kind\ndata kind : factor per store\n"
    assert found(text + "b = new(a)").code == "H210"
