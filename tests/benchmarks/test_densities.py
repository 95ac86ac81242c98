"""Every contestant has the same posterior: log densities agree at random points."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.workload import Columns, Workload
from benchmarks.workloads import WORKLOADS, groups
from hdsl.compiler import bind_data, check_source, compile_model
from hdsl.data.frames import read_table
from hdsl.source import Source
from tests.backends.densities import Point, load, numpyro_density, points

type Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """``plain`` gives the sites of the model by hand for those of HDSL; ``tuned`` those of the
    tuned model for these, and the log determinant of the change; ``factors`` are the names of the
    sds, of the Cholesky factor and of PyMC's site for both.
    """

    workload: Workload
    plain: Callable[[Point], Values]
    tuned: Callable[[Values, Columns], tuple[Values, float]]
    factors: tuple[tuple[str, str, str], ...]


def pair(point: Point, sds: tuple[str, str], cor: str, zs: tuple[str, str]) -> list[np.ndarray]:
    """Sds, Cholesky factor and standard normal effects of two coefficients."""
    c = 2 * point[f"{cor} unit"] - 1
    L = np.array([[1.0, 0.0], [c, np.sqrt(1 - c**2)]])
    return [np.stack([point[n] for n in sds]), L, np.stack([point[n] for n in zs], axis=1)]


def scaled(values: Values, sd: str, unit: str, z: str) -> tuple[np.ndarray, float]:
    """The effects, and the log determinant of the change from standard normal ones."""
    factor = values[sd][:, None] * values[unit]
    return values[z] @ factor.T, len(values[z]) * float(np.log(np.diag(factor)).sum())


def without(values: Values, *names: str) -> Values:
    return {name: value for name, value in values.items() if name not in names}


def elasticity(p: Point) -> Values:
    found = {"nu": p["nu"], "sigma": p["sigma"]}
    for name, i in (("base", 0), ("income", 1)):
        parts = pair(p, (f"sd(a{i})", f"sd(b{i})"), f"cor(a{i}, b{i})", (f"z(a{i})", f"z(b{i})"))
        found |= dict(zip((f"sd_{name}", f"L_{name}", f"z_{name}"), parts, strict=True))
    return found


def elasticity_tuned(v: Values, data: Columns) -> tuple[Values, float]:
    base, one = scaled(v, "sd_base", "L_base", "z_base")
    income, other = scaled(v, "sd_income", "L_income", "z_income")
    kept = without(v, "z_base", "z_income")
    return {**kept, "own_base": base, "own_income": income}, one + other


def nested(p: Point) -> Values:
    cor, sds = "cor(alpha, beta, market)", ("sd(alpha, market)", "sd(beta)")
    sd, L, z = pair(p, sds, cor, ("z(alpha, market)", "z(beta)"))
    mean = np.stack([p["mean(alpha)"], p["mean(beta)"]])
    inner = {"sd_submarket": p["sd(alpha, submarket)"], "z_submarket": p["z(alpha, submarket)"]}
    return {
        "mean": mean,
        "sd": sd,
        "L": L,
        "z": z,
        **inner,
        "gamma": p["gamma"],
        "sigma": p["sigma"],
    }


def nested_tuned(v: Values, data: Columns) -> tuple[Values, float]:
    effects, change = scaled(v, "sd", "L", "z")
    market = v["mean"] + effects
    inner = v["sd_submarket"] * v["z_submarket"]
    change += len(inner) * float(np.log(v["sd_submarket"]))
    submarket = market[data["market_of_submarket"], 0] + inner
    kept = without(v, "z", "z_submarket")
    return {**kept, "of_market": market, "of_submarket": submarket}, change


def lines(p: Point) -> Values:
    parts = pair(p, ("sd(alpha)", "sd(beta)"), "cor(alpha, beta)", ("z(alpha)", "z(beta)"))
    mean = np.stack([p["mean(alpha)"], p["mean(beta)"]])
    return {"mean": mean, "sigma": p["sigma"], **dict(zip(("sd", "L", "z"), parts, strict=True))}


def lines_tuned(v: Values, data: Columns) -> tuple[Values, float]:
    effects, change = scaled(v, "sd", "L", "z")
    return {**without(v, "z"), "line": v["mean"] + effects}, change


def radon(p: Point) -> Values:
    slope = np.stack([p["slope(alpha, log_uppm)"], p["slope(beta, log_uppm)"]])
    return {**lines(p), "slope": slope}


def radon_tuned(v: Values, data: Columns) -> tuple[Values, float]:
    return {**without(v, "L"), "half_cor": (v["L"][1, 0] + 1) / 2}, 0.0


def crossed(p: Point) -> Values:
    found = {"mean": p["mean(alpha)"], "sigma": p["sigma"]}
    for name in ("student", "instructor"):
        found |= {f"sd_{name}": p[f"sd(alpha, {name})"], f"z_{name}": p[f"z(alpha, {name})"]}
    return found


def crossed_tuned(v: Values, data: Columns) -> tuple[Values, float]:
    student, level = (v[f"sd_{n}"] * v[f"z_{n}"] for n in ("student", "instructor"))
    change = sum(len(v[f"z_{n}"]) * np.log(v[f"sd_{n}"]) for n in ("student", "instructor"))
    kept = without(v, "z_student", "z_instructor")
    return {**kept, "student": student, "level": v["mean"] + level}, float(change)


def in_pymc(case: Case, values: Values) -> tuple[Values, float]:
    """The sites of the PyMC model, which has sds and correlation in one factor, and the log
    determinant of the change.
    """
    change = 0.0
    for sd, L, both in case.factors:
        factor = values[sd][:, None] * values[L]
        change += float(np.log(values[sd][1] / values[L][1, 1]))
        values = {**without(values, sd, L), both: factor[np.tril_indices(2)]}
    return values, change


CASES = {
    "W1": Case(
        WORKLOADS["W1"],
        elasticity,
        elasticity_tuned,
        (("sd_base", "L_base", "chol_base"), ("sd_income", "L_income", "chol_income")),
    ),
    "W2": Case(WORKLOADS["W2"], nested, nested_tuned, (("sd", "L", "chol"),)),
    "W5": Case(groups.workload("W5", 20, 200), lines, lines_tuned, (("sd", "L", "chol"),)),
    "radon": Case(WORKLOADS["radon"], radon, radon_tuned, (("sd", "L", "chol"),)),
    "crossed": Case(WORKLOADS["crossed"], crossed, crossed_tuned, ()),
}


def pymc_densities(model: Any, sites: list[Values]) -> list[float]:
    """Log joints of a PyMC model, without the Jacobians of its transforms."""
    import pytensor.tensor as pt

    density = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    found = []
    for values in sites:
        assert {rv.name for rv in model.free_RVs} == set(values)
        start = {}
        for rv in model.free_RVs:
            transform, value = model.rvs_to_transforms[rv], values[rv.name]
            if transform is not None:
                value = transform.forward(pt.as_tensor(value), *rv.owner.inputs).eval(
                    mode="FAST_COMPILE"
                )
            start[model.rvs_to_values[rv].name] = np.asarray(value)
        found.append(float(density(start)))
    return found


def same_but_for_a_constant(ours: list[float], theirs: list[float]) -> bool:
    return bool(np.ptp(np.subtract(ours, theirs)) < 1e-9 * np.abs(ours).max())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_everybody_has_the_same_posterior(case: Case, tmp_path: Path) -> None:
    workload = case.workload
    files = workload.make(tmp_path)
    model, _ = check_source(Source(workload.model.read_text(encoding="utf-8"), "model.hdsl"))
    assert model is not None
    tables: Mapping[str, Any] = {name: read_table(path) for name, path in files.tables.items()}
    binding = bind_data(model, read_table(files.rows), tables)
    module = load(compile_model(model, "numpyro", binding.facts).text, tmp_path, workload.name)
    prepared, data = module.prepare(binding.rows, binding.tables), workload.read(files)
    at = points(module.model, prepared, 3)
    plain = [case.plain(point) for point in at]
    ours = [numpyro_density(module.model, prepared, point) for point in at]
    by_hand = [numpyro_density(workload.numpyro.plain, data, values) for values in plain]
    assert same_but_for_a_constant(ours, by_hand)
    tuned = [case.tuned(values, data) for values in plain]
    by_tuned = [numpyro_density(workload.numpyro.tuned, data, v) + change for v, change in tuned]
    assert same_but_for_a_constant(ours, by_tuned)
    assert workload.pymc is not None
    packed = [in_pymc(case, values) for values in plain]
    densities = pymc_densities(workload.pymc(data), [values for values, _ in packed])
    changes = [change for _, change in packed]
    assert same_but_for_a_constant(ours, np.add(densities, changes).tolist())
