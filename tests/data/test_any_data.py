"""Whatever stands in a file: diagnostics that can be shown, never a traceback."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hdsl.data.bind import bind
from hdsl.data.read import parse_csv, read_delimited
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError, Severity
from hdsl.diagnostics.render import FORMS, render
from hdsl.lint import lint
from tests.data.binding import model_of

MODELS = [
    model_of(text)
    for text in (
        "level b in a\nlevel a\ndata y : count\ndata x : positive drop\ndata w : real per b\n"
        "data f : factor\ndata z = standardize(log(x))\n"
        'y ~ poisson(log_mu = alpha + beta * z + gamma * (f == "1"))\n'
        "alpha ~ a / b | w\nbeta ~ a\ngamma ~ normal(0, 1)\n",
        "y ~ normal(alpha + beta * x, w); alpha, beta ~ a | f",
        "level a ordered\nlevel c = a : b\ndata y, x : real\ndata w, f : real per c\n"
        "data d = where(x / w > 1, y, missing)\n"
        "log(d) ~ studentt(3, alpha, sigma)\nalpha ~ c | w, f\n"
        "x ~ normal(m, 1)\nm ~ 0 + a + b\n",
        "data y : binary\ndata n : count\ndata x : proportion\ny ~ binomial(n, p)\n"
        "p ~ beta(x_a, 1)\nx_a = 1 + sd(x)\n"
        .replace("x_a = 1 + sd(x)\n", "").replace("beta(x_a", "beta(1 + sd(x)"),
    )
]  # fmt: skip

STRANGE = """
0|1|2|3.5|-1|NA|nan|inf|-inf|1e400|true|no|a b| 1 |007|"q""q"|'|"1,5"|é|👩‍🔬|\x1b[1m|2024-01-09|
"""
KINDS = [
    STRANGE.strip("\n").split("|"),
    ["1", "2", "3", "0"],
    ["0.5", "1.5", "2"],
    ["1", "2", "", "NA"],
    ["a", "b", "c"],
    ["1"],
    ["0", "1"],
    ["-1", "3"],
]
NAMES = st.permutations(["y", "x", "w", "f", "a", "b", "n"])


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A table whose columns each hold one kind of cells, as columns mostly do."""
    header = draw(NAMES)[: draw(st.integers(5, 7))]
    cells = [st.sampled_from(draw(st.sampled_from(KINDS))) for _ in header]
    rows = draw(st.lists(st.tuples(*cells), max_size=9))
    return "\n".join([",".join(header), *(",".join(row) for row in rows)])


def everything(model_number: int, rows: str, table: str) -> tuple[Diagnostic, ...]:
    model = MODELS[model_number]
    try:
        binding = bind(model, parse_csv(rows), {"a": parse_csv(table)})
    except ModelError as error:
        return error.diagnostics
    found = binding.diagnostics
    if any(d.severity is Severity.ERROR for d in found):
        assert not binding.sound
        return found
    return (*found, *lint(model, binding))


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(MODELS) - 1), tables(), tables())
def test_any_table_is_bound_or_refused(model_number: int, rows: str, table: str) -> None:
    found = everything(model_number, rows, table)
    for form in FORMS:
        render(found, MODELS[model_number].source, form).encode()


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_table_or_an_error(content: bytes) -> None:
    try:
        table = read_delimited(content, "rows.csv")
    except ModelError as error:
        assert {d.code for d in error.diagnostics} <= {"H903", "H904", "H905"}
        return
    for name in table.columns:
        assert len(table.labels(name)) == table.height


@settings(deadline=None)
@given(st.text(st.sampled_from('a1,;"\n\r\t é'), max_size=60))
def test_any_text_is_a_table_or_an_error(text: str) -> None:
    try:
        table = parse_csv(text)
    except ModelError as error:
        assert {d.code for d in error.diagnostics} <= {"H903", "H904", "H905"}
        return
    assert len(set(table.columns)) == len(table.columns)
