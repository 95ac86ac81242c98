"""Outcomes that are labels: their axes, cut points, defaults, and what is refused."""

import pytest

from hdsl.compiler import diagnose, expand
from hdsl.ir.model import Data, DataType, LevelKind, Parameter
from hdsl.source import Source
from tests.check.helpers import checked, errors, found, priors

ORDERED = "data rating : ordered {low, mid, high}\ndata x : real\n"
CHOICE = "data choice : factor {bus, car, foot}\ndata x : real\n"


def test_an_ordered_outcome_has_cut_points_along_an_axis() -> None:
    model = checked(ORDERED + "rating ~ orderedlogistic(beta * x)\nbeta ~ 1")
    axis = model.levels["cut"]
    assert (axis.kind, axis.members, axis.of) == (LevelKind.CUT, ("low|mid", "mid|high"), "rating")
    cut = model.by_name["cut(rating)"]
    assert isinstance(cut, Parameter) and cut.increasing and cut.domain == ("cut",)
    assert dict(model.outcomes[0].distribution.arguments).keys() == {"eta", "cut"}


def test_cut_points_are_widened_as_an_intercept_is() -> None:
    plain = checked(ORDERED + "rating ~ orderedlogistic(beta * standardize(x))\nbeta ~ 1")
    assert priors(plain)["cut(rating)"] == "normal(0, 2.5)"
    raw = checked(ORDERED + "rating ~ orderedlogistic(beta * x)\nbeta ~ 1")
    assert priors(raw)["cut(rating)"] == "normal(0, 2.5 + 2.5 * abs(mean(x)) / sd(x))"


def test_the_prior_of_cut_points_may_be_written() -> None:
    text = ORDERED + "rating ~ orderedlogistic(b * x)\nb ~ 1\ncut(rating) ~ normal(0, tau)\n"
    model = checked(text + "tau ~ halfnormal(2)")
    cut = model.by_name["cut(rating)"]
    assert isinstance(cut, Parameter) and cut.increasing and cut.centred and cut.rule is None


def test_two_ordered_outcomes_have_an_axis_each() -> None:
    data = "data r, s : count\ndata x : real\n"
    model = checked(data + "r, s ~ orderedlogistic(b * x)\nb ~ 1")
    assert [n for n in model.levels if "cut" in n] == ["cut_of_r", "cut_of_s"]


def test_a_column_called_cut_keeps_its_name() -> None:
    data = "data rating : count\ndata cut : real\n"
    model = checked(data + "rating ~ orderedlogistic(b * cut)\nb ~ 1")
    assert "cut" not in model.levels and "cut_of_rating" in model.levels


def test_cut_points_may_be_used_and_picked() -> None:
    text = ORDERED + "rating ~ orderedlogistic(b * x)\nb ~ 1\np = expit(cut(rating))\n"
    model = checked(text + 'gap = cut(rating["mid|high"]) - cut(rating["low|mid"])')
    assert model.by_name["p"].domain == ("cut",) and model.by_name["gap"].domain == ()


def test_a_chosen_label_is_an_axis_without_its_baseline() -> None:
    model = checked(CHOICE + "choice ~ categorical(logit_p = a + b * x)\na[choice] ~ g\nb ~ choice")
    axis = model.levels["choice_label"]
    assert (axis.kind, axis.members) == (LevelKind.CATEGORY, ("car", "foot"))
    assert model.by_name["a"].domain == ("g", "choice_label")
    assert model.by_name["b"].domain == ("choice_label",)


def test_the_baseline_may_be_named() -> None:
    call = 'choice ~ categorical(logit_p = a, baseline = "foot")\na[choice] ~ 1'
    model = checked(CHOICE + call)
    assert model.levels["choice_label"].members == ("bus", "car")
    assert [c for c, _ in errors(CHOICE + call.replace("foot", "fot"))] == ["H212"]


def test_nothing_need_be_declared() -> None:
    model = checked("choice ~ categorical(logit_p = a + b * x)\na[choice] ~ g\nb[choice] ~ 1")
    outcome = model.by_name["choice"]
    assert isinstance(outcome, Data) and outcome.type is DataType.FACTOR
    model = checked("rating ~ orderedlogistic(b * x)\nb ~ 1\ncut(rating) ~ normal(0, 2)")
    outcome = model.by_name["rating"]
    assert isinstance(outcome, Data) and outcome.type is DataType.ORDERED


@pytest.mark.parametrize(
    "text",
    [
        "rating ~ orderedlogistic(a + b * x)\na ~ 0 + g\nb ~ 1",
        "choice ~ categorical(logit_p = a + b * x)\na[choice] ~ g\nb[choice] ~ 1",
        ORDERED + "rating ~ orderedlogistic(a + b * x)\na ~ 0 + g\nb ~ 1",
        CHOICE + "choice ~ categorical(logit_p = a + c)\na[choice] ~ g / h\nc ~ choice",
    ],
)
def test_expanding_keeps_the_model(text: str) -> None:
    written = expand(Source(text))
    plain, full = priors(checked(text)), priors(checked(written))
    assert full == plain
    assert expand(Source(written)) == written


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ORDERED + "rating ~ normal(b * x, 1)\nb ~ 1", "H304"),
        (CHOICE + "choice ~ normal(b * x, 1)\nb ~ 1", "H304"),
        (CHOICE + "choice ~ orderedlogistic(b * x)\nb ~ 1", "H304"),
        ("data y, x : real\ny ~ orderedlogistic(b * x)\nb ~ 1", "H304"),
        ("data y, x : real\ny ~ normal(b * x, 1)\nb ~ orderedlogistic(0)", "H304"),
        (CHOICE + "choice ~ categorical(logit_p = b * x)\nb ~ 1", "H206"),
        (CHOICE + "choice ~ categorical(b * x)\nb[choice] ~ 1", "H205"),
        (ORDERED + "rating ~ orderedlogistic(b * x, 3)\nb ~ 1", "H205"),
        (ORDERED + "rating ~ orderedlogistic(b * x)\nb ~ 1\ncut(rating) = 2", "H207"),
        (ORDERED + "rating ~ orderedlogistic(b * x)\nb ~ 1\ncut(x) ~ normal(0, 1)", "H210"),
        (ORDERED + "rating ~ orderedlogistic(b * x)\nb ~ 1\nd = cut(x)", "H210"),
        (ORDERED + "rating ~ orderedlogistic(b * x)\nb ~ 1\ncut(rating) ~ halfnormal(1)", "H301"),
        (
            ORDERED + "rating ~ orderedlogistic(b * x)\nb ~ 1\nlog(cut(rating)) ~ normal(0, 1)",
            "H310",
        ),
        (
            ORDERED + 'rating ~ orderedlogistic(b * x)\nb ~ 1\nd = cut(rating["low|high"])',
            "H212",
        ),
        (
            ORDERED + "rating ~ orderedlogistic(b * x)\nb ~ 1\n"
            "cut(rating) ~ normal(0, 1)\ncut(rating) ~ normal(0, 2)",
            "H202",
        ),
    ],
)
def test_what_cannot_be_is_one_error(text: str, code: str) -> None:
    assert found(text).code == code


def test_an_intercept_beside_cut_points_is_warned_of() -> None:
    text = ORDERED + "rating ~ orderedlogistic(a + b * x)\nb ~ 1\na ~ "
    [warning] = diagnose(text + "g")
    assert warning.code == "H604" and "`cut(rating)` and `mean(a)`" in warning.headline
    assert warning.help is not None and "~ 0 + …" in warning.help
    assert not diagnose(text + "0 + g")


@pytest.mark.parametrize("given", ["p", "p = p", "logit_p = p", "probs = p"])
def test_shares_of_labels_are_told_what_to_write(given: str) -> None:
    text = f"{CHOICE}choice ~ categorical({given})\np[choice] ~ dirichlet(1)\n"
    said = found(text)
    assert (said.code, said.headline) == (
        "H205",
        "`categorical` takes the log odds of the labels, not their probabilities",
    )
    assert said.help is not None
    outcome, prior = (part for part in said.help.split("`") if "~" in part)
    assert "alpha" in checked(f"{CHOICE}{outcome}\n{prior}\n").by_name
