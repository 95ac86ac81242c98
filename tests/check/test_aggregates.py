"""`average` and `total`: where they live, and what is refused."""

import pytest

from hdsl.compiler import expand
from hdsl.expr import Aggregate
from hdsl.ir.model import Definition
from hdsl.ir.text import text_of
from hdsl.render.equations import equations
from hdsl.source import Source
from tests.check.helpers import checked, found

BASE = "level store in market\ndata y, x : real\ndata n : count\n"
BASE += "y ~ normal(mu, sigma)\nmu = alpha + beta * x\nalpha ~ market / store\nbeta ~ 1\n"


@pytest.mark.parametrize(
    ("call", "domain"),
    [
        ("average(mu)", ()),
        ("average(mu, market)", ("market",)),
        ("total(alpha, market, weight = n)", ("market",)),
        ("average(alpha, weight = n)", ()),
        ("average(x, store)", ("store",)),
    ],
)
def test_they_live_where_they_say(call: str, domain: tuple[str, ...]) -> None:
    node = checked(BASE + f"a = {call}").by_name["a"]
    assert isinstance(node, Definition) and isinstance(node.expr, Aggregate)
    assert node.domain == domain and node.recorded
    assert text_of(node.expr) == call


def test_a_level_may_be_known_from_an_average_alone() -> None:
    model = checked(BASE + "a = average(mu, week)")
    assert model.levels["week"].column == "week"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("a = average(sigma)", "H206"),
        ("a = average(alpha[market], store)", "H206"),
        ("a = average(mu, market, store)", "H205"),
        ("a = average(mu, w = n)", "H205"),
        ("a = average()", "H205"),
        ("data z = average(x, market)", "H207"),
    ],
)
def test_what_cannot_be_is_one_error(line: str, code: str) -> None:
    assert found(BASE + line).code == code


def test_they_survive_expansion_and_equations() -> None:
    text = BASE + "a = average(mu, market, weight = n)\n"
    written = expand(Source(text))
    assert "a = average(mu, market, weight = n)" in written
    assert expand(Source(written)) == written
    assert 'average(mu[i], "market", weight = n[i])' in equations(checked(text), "text")
