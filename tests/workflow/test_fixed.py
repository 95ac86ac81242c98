"""Parameters set to numbers."""

import pytest

import hdsl
from hdsl.check.fixed import fix
from hdsl.expr import Constant
from hdsl.ir.model import Definition
from hdsl.ir.text import dump

MODEL = """\
level class in school
data score, x : real
score ~ normal(alpha + beta * x, sigma)
alpha ~ school / class
beta ~ 1
twice = 2 * beta
"""


def fixed(*settings: str, model: str = MODEL) -> dict[str, float]:
    nodes = fix(hdsl.parse(model).ir, settings).nodes
    return {
        node.name: node.expr.value
        for node in nodes
        if isinstance(node, Definition) and isinstance(node.expr, Constant)
    }


def test_a_parameter_becomes_a_number_however_its_name_is_spaced() -> None:
    assert fixed("sd( alpha,class )= 0.5", "beta = -2") == {"sd(alpha, class)": 0.5, "beta": -2}


def test_an_sd_without_a_level_is_that_of_every_level() -> None:
    assert fixed("sd(alpha) = 1") == {"sd(alpha, school)": 1, "sd(alpha, class)": 1}


def test_nothing_set_is_the_same_model() -> None:
    model = hdsl.parse(MODEL).ir
    assert dump(fix(model, ())) == dump(model)


@pytest.mark.parametrize(
    ("setting", "headline", "advice"),
    [
        ("sd(beta) = 1", "no parameter `sd(beta)`", None),
        ("sigmo = 1", "no parameter `sigmo`", "did you mean `sigma`?"),
        ("alpha = 1", "is made of `mean(alpha)`, `sd(alpha, school)`", "set those"),
        ("twice = 1", "`twice` follows from other quantities", "set one of"),
        ("sigma = -1", "`sigma` cannot be -1: it is nonnegative", "choose a number"),
        ("sigma", "`sigma` sets nothing", "write a parameter"),
        ("sigma = beta", "sets nothing", "write a parameter"),
        ("sigma ~ gamma(1, 1)", "sets nothing", "write a parameter"),
        ("a = 1; b = 2", "sets nothing", "write a parameter"),
        ("", "sets nothing", "write a parameter"),
    ],
)
def test_what_cannot_be_set_is_an_error_that_says_why(
    setting: str, headline: str, advice: str | None
) -> None:
    with pytest.raises(hdsl.ModelError) as caught:
        fixed(setting)

    (found,) = caught.value.diagnostics
    assert found.code == "H550"
    assert headline in found.headline
    assert found.help is not None
    assert advice is None or advice in found.help


def test_one_of_a_matrix_of_correlations_cannot_be_set() -> None:
    model = "data y, x, z, g : real\ny ~ normal(a + b * x + c * z, 1)\na, b, c ~ k\n"
    model = model.replace("data y, x, z, g : real", "level k\ndata y, x, z : real")
    with pytest.raises(hdsl.ModelError, match="matrix of correlations"):
        fixed("cor(a, b) = 0", model=model)
