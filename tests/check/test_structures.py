"""Structures where they cannot be, along gaps, and with their default priors."""

import pytest

from hdsl.compiler import diagnose, expand
from hdsl.diagnostics.diagnostic import Severity
from hdsl.source import Source


@pytest.mark.parametrize(
    ("statements", "code", "text"),
    [
        ("f ~ randomwalk(1)", "H410", "f"),
        ("f[store] ~ randomwalk(1)", "H410", "f[store]"),
        ("f[store : week] ~ ar(0.5, 1)", "H410", "f[store : week]"),
        ("f[row] ~ ar(0.5, 1)", "H410", "f[row]"),
        ("f[week] ~ randomwalk(s); s[week] ~ halfnormal(1)", "H411", "s"),
        ("f[week] ~ zerosum(s); s[week] ~ halfnormal(1)", "H411", "s"),
        ('f[week] ~ zerosum(1); f["1"] = 0', "H411", 'f["1"]'),
        ("f[week] ~ zerosum(1) with centered", "H215", "with centered"),
        ("f[store] ~ gp(x, 1, 1)", "H206", "x"),
        ("f[store] ~ gp(2, 1, 1)", "H411", "2"),
        ("f[week] ~ hsgp(t, 1, 1, waves = 2.5)", "H411", "2.5"),
        ("f[week] ~ hsgp(t, 1, 1, boundary = 1 / 2)", "H411", "1 / 2"),
        ("f[week] ~ ar(1.5, 1)", "H302", "1.5"),
        ("f ~ increasing(normal(0, 1))", "H410", "f"),
        ("f[week] ~ increasing(randomwalk(1))", "H205", "increasing(randomwalk(1))"),
        ("f[week] ~ increasing(normal(m, 1)); m[week] ~ normal(0, 1)", "H411", "m"),
        ("f[week] ~ increasing(beta(1, 1))", "H411", "beta(1, 1)"),
        ('f[week] ~ increasing(normal(0, 1)); f["1"] = 0', "H411", 'f["1"]'),
    ],
)
def test_a_structure_where_it_cannot_be(statements: str, code: str, text: str) -> None:
    head = "level week ordered\ndata y, x : real\ndata t : real per week\n"
    source = Source(head + "y ~ normal(f, 1)\n" + statements + "\n")
    [found] = [d for d in diagnose(source) if d.severity is Severity.ERROR]
    assert (found.code, source.slice(found.label.span)) == (code, text)
    assert found.help or found.label.text


@pytest.mark.parametrize("call", ["randomwalk(1)", "dirichlet(1)", "increasing(normal(0, 1))"])
def test_data_have_no_structure(call: str) -> None:
    source = Source(f"level week ordered\ndata y : real\ny ~ {call}\n")
    assert "H411" in [d.code for d in diagnose(source)]


@pytest.mark.parametrize(
    ("dates", "gap"),
    [
        (["2024-01", "2024-02", "2024-03", "2024-04"], None),
        (["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-29"], "2024-01-15"),
        (["1", "2", "3", "10"], "3"),
        (["low", "middle", "high", "top"], None),
        (["1", "2", "x3", "10"], None),
    ],
)
def test_gaps_are_told_once(dates: list[str], gap: str | None) -> None:
    text = "level week ordered\ndata y : real\ny ~ normal(f + g, sigma)\n"
    text += "f[week] ~ randomwalk(s)\ng[week] ~ ar(rho, t)\n"
    rows = "week,y\n" + "".join(f"{date},{i}\n{date},{i + 1}\n" for i, date in enumerate(dates))
    found = [d for d in diagnose(text, rows) if d.code == "H610"]
    assert [d.headline.split()[-3] for d in found] == ([gap] if gap else [])


DEFAULTS = """\
level week ordered
data y : real
data t : real per week
y ~ normal(2 + f + g + trend + season + e, sigma)
f[week] ~ gp(t, a, r)
g[store, week] ~ hsgp(t, b, q, waves = 20)
trend[store, week] ~ randomwalk(s, start = 1)
season[week] ~ ar(rho, tau)
e[store] ~ zerosum(spread)
"""


def test_scales_and_shapes_have_defaults_by_their_role() -> None:
    written = expand(Source(DEFAULTS))
    head, _, defaults = written.partition("# defaults\n")
    assert head == DEFAULTS + "\n"
    assert [line.partition("  #")[0] for line in defaults.splitlines()] == [
        "sigma ~ halfstudentt(4, sd(y))",
        "a ~ halfnormal(2.5 * sd(y))",
        "r ~ inversegamma(5, max(t) - min(t))",
        "b ~ halfnormal(2.5 * sd(y))",
        "q ~ inversegamma(5, max(t) - min(t))",
        "s ~ halfnormal(2.5 * sd(y) / 5)",
        "rho ~ uniform(-1, 1)",
        "tau ~ halfnormal(2.5 * sd(y) / 2)",
        "spread ~ halfnormal(2.5 * sd(y))",
    ]
    assert expand(Source(written)) == written


def test_the_data_of_a_function_live_on_its_level() -> None:
    written = expand(Source("y ~ normal(f, 1)\nf[store, week] ~ gp(log(t), 1, 1)\n"))
    assert written.startswith("data y : real\ndata t : real per week\n")


@pytest.mark.parametrize("family", ["gp", "hsgp"])
def test_a_function_of_what_never_varies(family: str) -> None:
    text = "data y : real\ndata t : real per g\ny ~ normal(f, 1)\n"
    rows = "g,t,y\na,1,2\na,1,3\nb,1,1\nb,1,4\n"
    found = diagnose(text + f"f[g] ~ {family}(2 * t, 1, 1)\n", rows)
    assert [(d.code, d.label.text) for d in found if d.label] == [
        ("H935", "it is 2 in 2 groups of `g`")
    ]
