"""What is foreseen of a fit, and which method it takes."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import hdsl
from hdsl.cli import main
from hdsl.cli.posterior import METHODS as OFFERED
from hdsl.diagnostics.diagnostic import ModelError
from hdsl.fit import foresee
from hdsl.fit.draws import Settings
from hdsl.fit.methods.names import METHODS
from hdsl.fit.survey import choose, survey

TEXT = """\
data y, x : real
y ~ normal(mu, sigma)
mu = alpha + beta * x
alpha ~ shop
beta ~ 1
"""


def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    shop = np.repeat(np.arange(6), 10).astype(str)
    return {"shop": shop, "x": rng.normal(size=60), "y": rng.normal(size=60)}


def test_the_command_offers_every_method() -> None:
    assert OFFERED == METHODS


def test_sizes_are_those_of_the_run() -> None:
    model = hdsl.parse(TEXT + "report mu")
    found = survey(model.ir, model._bind(rows(), None), Settings(2, 20, 20)).foreseen
    run = model.fit(rows(), chains=2, draws=20, warmup=20)
    posterior = run.data["posterior"].dataset
    sizes = {str(name): int(np.prod(posterior[name].shape[2:])) for name in posterior.data_vars}
    assert found.recorded == sizes
    assert sizes["mu"] == 60
    assert found.pointwise == 120
    assert found.latent == 10  # mean, sd, 6 deviations, beta, sigma
    assert found.results == 8 * 40 * (sum(sizes.values()) + 120)


def test_a_definition_on_rows_is_kept_only_where_the_model_says_so() -> None:
    model = hdsl.parse(TEXT)
    found = survey(model.ir, model._bind(rows(), None), Settings()).foreseen
    assert "mu" not in found.recorded
    assert found.recorded["alpha"] == 6


def test_missing_outcomes_that_are_too_many_to_draw_take_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    y = rows()["y"]
    y[:7] = np.nan
    model, data = hdsl.parse(TEXT), {**rows(), "y": y}
    few = survey(model.ir, model._bind(data, None), Settings()).foreseen
    monkeypatch.setattr("hdsl.fit.draws.POINTWISE_VALUES", 1000)
    many = survey(model.ir, model._bind(data, None), Settings()).foreseen
    assert few.recorded["y"] == 7
    assert few.recorded.keys() - many.recorded.keys() == {"y"}


def test_a_fit_that_memory_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresee, "WORKSPACE", 0)
    monkeypatch.setattr(foresee, "free_memory", lambda: 3_000_000)
    with pytest.raises(ModelError) as error:
        hdsl.parse(TEXT + "report mu").fit(rows(), chains=4, draws=1000)
    (found,) = error.value.diagnostics
    assert found.code == "H531"
    assert found.help is not None
    assert found.help.startswith("`mu` alone has 60 numbers a draw, of which 4,000 are to be kept")


@pytest.mark.parametrize(
    "nuts, laplace, method",
    [(60.0, 5.0, "nuts"), (60.0, None, "nuts"), (5000.0, 60.0, "laplace"), (5000.0, None, "svi")],
)
def test_auto_takes_nuts_while_that_is_quick(
    nuts: float, laplace: float | None, method: str
) -> None:
    chosen, reason = choose(1000, 50_000, 0.004, nuts, laplace)
    assert chosen == method
    assert reason.startswith("1,000 parameters, 50,000 rows, 4 ms a gradient: NUTS ")


def test_auto_is_a_choice_that_the_run_knows() -> None:
    run = hdsl.parse(TEXT).fit(rows(), method="auto", chains=1, draws=20, warmup=20)
    assert run.info["method"] == "nuts"


def test_the_plan_samples_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.hdsl").write_text(TEXT)
    columns = rows()
    lines = [
        ",".join(columns),
        *(",".join(map(str, r)) for r in zip(*columns.values(), strict=True)),
    ]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    found = CliRunner().invoke(main, ["fit", f"{tmp_path}/m.hdsl", f"{tmp_path}/d.csv", "--plan"])
    assert found.exit_code == 0
    cells = {" ".join(line.split()) for line in found.output.splitlines()}
    assert {"rows 60", "parameters 10", "of groups 6", "alpha 6"} <= cells
    assert "`--method auto` takes nuts: 10 parameters, 60 rows, " in found.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "m.hdsl"]
