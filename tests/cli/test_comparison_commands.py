"""`hdsl diff` and `hdsl pool` as they are typed."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

DEFAULT = """\
level region
data y, x : real

y ~ normal(alpha + beta * x, sigma)
alpha, beta ~ region
"""


def test_models_that_mean_the_same(hdsl: Callable[..., Result]) -> None:
    Path("other.hdsl").write_text(
        "# again\n" + DEFAULT + "sd(beta) ~ halfnormal(2.5 * sd(y) / sd(x))"
    )
    done = hdsl("diff", "model.hdsl", "other.hdsl")

    assert (done.exit_code, done.stdout) == (0, "The models mean the same.\n")
    Path("centred.hdsl").write_text(DEFAULT.replace("~ region", "~ region with centered"))
    done = hdsl("diff", "model.hdsl", "centred.hdsl")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:3] == [
        "The models mean the same.", "", "What changes no meaning:",
    ]  # fmt: skip


def test_models_that_differ(hdsl: Callable[..., Result]) -> None:
    Path("other.hdsl").write_text(DEFAULT + "sigma ~ exponential(1)\n")
    done = hdsl("diff", "model.hdsl", "other.hdsl")

    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "1 change of meaning",
        "",
        "  the prior of `sigma` was halfstudentt(4, sd(y)), a default, and is exponential(1)",
        "      model.hdsl:4  y ~ normal(alpha + beta * x, sigma)",
        "      other.hdsl:6  sigma ~ exponential(1)",
    ]
    as_json = hdsl("diff", "model.hdsl", "other.hdsl", "--format", "json")
    found = json.loads(as_json.stdout)
    assert (found["before"], found["after"], found["same"]) == ("model.hdsl", "other.hdsl", False)
    assert found["changes"][0]["after"] == {"line": 6, "text": "sigma ~ exponential(1)"}


def test_models_that_differ_in_names(hdsl: Callable[..., Result]) -> None:
    Path("other.hdsl").write_text(DEFAULT.replace("sigma", "noise"))
    done = hdsl("diff", "model.hdsl", "other.hdsl")

    assert done.exit_code == 1
    assert done.stdout.startswith("The models mean the same but for names.\n")


def test_a_model_that_is_wrong_is_no_difference(hdsl: Callable[..., Result]) -> None:
    Path("other.hdsl").write_text("y ~ normal(mu, ")
    done = hdsl("diff", "model.hdsl", "other.hdsl")

    assert done.exit_code == 2
    assert "error[H1" in done.stderr
    assert hdsl("diff", "model.hdsl", "none.hdsl").exit_code == 2
    assert hdsl("diff", "-", "-").exit_code == 2


QUICK = ("--draws", "100", "--warmup", "150", "--chains", "2")


def test_poolings_side_by_side(hdsl: Callable[..., Result]) -> None:
    Path("model.hdsl").write_text("data y : real\ny ~ normal(alpha, sigma)\nalpha ~ region\n")
    done = hdsl("pool", "model.hdsl", "rows.csv", *QUICK, "--write", "models")

    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert titles[:3] == [
        "alpha: mean ± sd, from the smallest group to the largest",
        "The population",
        "Prediction of left-out rows",
    ]
    assert lines[1].split() == ["rows", "no", "pooling", "as", "written", "complete", "pooling"]
    assert "predicts left-out rows best" in done.stdout
    assert sorted(path.name for path in Path("models").iterdir()) == [
        "as_written.hdsl", "complete_pooling.hdsl", "no_pooling.hdsl",
    ]  # fmt: skip
    assert Path("models/as_written.hdsl").read_text() == Path("model.hdsl").read_text()
    assert "alpha[region] ~ 1" in Path("models/no_pooling.hdsl").read_text()
    assert hdsl("check", "models/complete_pooling.hdsl", "--data", "rows.csv").exit_code == 0


def test_what_cannot_be_pooled_is_said_before_anything_is_fitted(
    hdsl: Callable[..., Result],
) -> None:
    Path("flat.hdsl").write_text(DEFAULT.replace("~ region", "~ 1"))
    flat = hdsl("pool", "flat.hdsl", "rows.csv")
    assert (flat.exit_code, "error[H556]" in flat.stderr) == (1, True)
    held = hdsl("pool", "model.hdsl", "rows.csv", "--holdout", "county")
    assert (held.exit_code, "error[H557]" in held.stderr) == (1, True)
    folds = hdsl("pool", "model.hdsl", "rows.csv", "--holdout", "region", "--folds", "1")
    assert folds.exit_code == 2
