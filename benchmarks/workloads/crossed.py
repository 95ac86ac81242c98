"""Crossed effects: 73k ratings of 1,128 instructors by 2,972 students, simulated.

The sizes and the spread are those of the well-known student evaluations of a Swiss school. Tuned:
an instructor's 65 ratings say where the instructor is, a student's 25 nearly so: both are centred.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workload import (
    MODELS,
    BambiSide,
    Columns,
    Draws,
    Files,
    Numbers,
    Sides,
    Workload,
)

STUDENTS, INSTRUCTORS, RATINGS = 2972, 1128, 73_421


def make(folder: Path) -> Files:
    """The ratings, student by student; everybody is there at least once."""
    import pandas as pd

    file = folder / "crossed.csv"
    if file.exists():
        return Files(file, {})
    random = np.random.default_rng(73)
    fame = random.gamma(1.5, size=INSTRUCTORS)
    student = np.concatenate(
        [np.arange(STUDENTS), random.integers(STUDENTS, size=RATINGS - STUDENTS)]
    )
    instructor = random.choice(INSTRUCTORS, RATINGS, p=fame / fame.sum())
    instructor[:INSTRUCTORS] = np.arange(INSTRUCTORS)
    of_student = random.normal(0, 0.33, STUDENTS)
    of_instructor = random.normal(0, 0.51, INSTRUCTORS)
    mu = 3.25 + of_student[student] + of_instructor[instructor]
    rating = np.clip(np.rint(random.normal(mu, 1.18)), 1, 5).astype(int)
    order = np.lexsort((instructor, student))
    table = {"student": student[order] + 1, "instructor": instructor[order] + 1}
    pd.DataFrame({**table, "rating": rating[order]}).to_csv(file, index=False)
    return Files(file, {})


def read(files: Files) -> Columns:
    """The columns, students and instructors numbered."""
    import pandas as pd

    rows = pd.read_csv(files.rows)
    return {
        "student": rows["student"].to_numpy() - 1,
        "students": int(rows["student"].max()),
        "instructor": rows["instructor"].to_numpy() - 1,
        "instructors": int(rows["instructor"].max()),
        "rating": rows["rating"].to_numpy().astype(float),
    }


def by_hand(data: Columns) -> None:
    """Standard normal effects."""
    import numpyro
    import numpyro.distributions as dist

    mean = numpyro.sample("mean", dist.Normal(3, 2))
    sd_student = numpyro.sample("sd_student", dist.HalfNormal(1))
    sd_instructor = numpyro.sample("sd_instructor", dist.HalfNormal(1))
    sigma = numpyro.sample("sigma", dist.HalfNormal(2))
    with numpyro.plate("students", data["students"]):
        z_student = numpyro.sample("z_student", dist.Normal(0, 1))
    with numpyro.plate("instructors", data["instructors"]):
        z_instructor = numpyro.sample("z_instructor", dist.Normal(0, 1))
    student = numpyro.deterministic("student", sd_student * z_student)
    instructor = numpyro.deterministic("instructor", sd_instructor * z_instructor)
    mu = mean + student[data["student"]] + instructor[data["instructor"]]
    numpyro.sample("rating", dist.Normal(mu, sigma), obs=data["rating"])


def tuned(data: Columns) -> None:
    """Centred effects, the mean among those of the instructors."""
    import numpyro
    import numpyro.distributions as dist

    mean = numpyro.sample("mean", dist.Normal(3, 2))
    sd_student = numpyro.sample("sd_student", dist.HalfNormal(1))
    sd_instructor = numpyro.sample("sd_instructor", dist.HalfNormal(1))
    sigma = numpyro.sample("sigma", dist.HalfNormal(2))
    with numpyro.plate("students", data["students"]):
        student = numpyro.sample("student", dist.Normal(0, sd_student))
    with numpyro.plate("instructors", data["instructors"]):
        level = numpyro.sample("level", dist.Normal(mean, sd_instructor))
    numpyro.deterministic("instructor", level - mean)
    mu = student[data["student"]] + level[data["instructor"]]
    numpyro.sample("rating", dist.Normal(mu, sigma), obs=data["rating"])


def in_pymc(data: Columns) -> Any:
    """The PyMC model."""
    import pymc as pm

    with pm.Model() as model:
        mean = pm.Normal("mean", 3, 2)
        sd_student = pm.HalfNormal("sd_student", 1)
        sd_instructor = pm.HalfNormal("sd_instructor", 1)
        sigma = pm.HalfNormal("sigma", 2)
        z_student = pm.Normal("z_student", 0, 1, shape=data["students"])
        z_instructor = pm.Normal("z_instructor", 0, 1, shape=data["instructors"])
        student = pm.Deterministic("student", sd_student * z_student)
        instructor = pm.Deterministic("instructor", sd_instructor * z_instructor)
        mu = mean + student[data["student"]] + instructor[data["instructor"]]
        pm.Normal("rating", mu, sigma, observed=data["rating"])
    return model


def in_bambi(files: Files) -> Any:
    """The Bambi model: the formula, and the same priors."""
    import bambi as bmb
    import pandas as pd

    def group() -> Any:
        return bmb.Prior("Normal", mu=0, sigma=bmb.Prior("HalfNormal", sigma=1))

    priors = {
        "Intercept": bmb.Prior("Normal", mu=3, sigma=2),
        "1|student": group(),
        "1|instructor": group(),
        "sigma": bmb.Prior("HalfNormal", sigma=2),
    }
    formula = "rating ~ 1 + (1|student) + (1|instructor)"
    rows = pd.read_csv(files.rows)
    return bmb.Model(formula, rows, priors=priors, categorical=["student", "instructor"])


def from_bambi(posterior: Any) -> dict[str, Numbers]:
    """The draws of Bambi's model under HDSL's names."""
    return {
        "mean(alpha)": posterior["Intercept"].to_numpy(),
        "sigma": posterior["sigma"].to_numpy(),
        "sd(alpha, student)": posterior["1|student_sigma"].to_numpy(),
        "sd(alpha, instructor)": posterior["1|instructor_sigma"].to_numpy(),
        "dev(alpha, student)": posterior["1|student"].to_numpy(),
        "dev(alpha, instructor)": posterior["1|instructor"].to_numpy(),
    }


def quantities(draws: Draws) -> dict[str, Numbers]:
    """What all are compared by, under HDSL's names."""
    return {
        "mean(alpha)": draws["mean"],
        "sigma": draws["sigma"],
        "sd(alpha, student)": draws["sd_student"],
        "sd(alpha, instructor)": draws["sd_instructor"],
        "dev(alpha, student)": draws["student"],
        "dev(alpha, instructor)": draws["instructor"],
    }


CROSSED = Workload(
    name="crossed",
    title="73k ratings, 2,972 students × 1,128 instructors, normal",
    model=MODELS / "crossed.hdsl",
    shared=(
        *("mean(alpha)", "sigma", "sd(alpha, student)", "sd(alpha, instructor)"),
        *("dev(alpha, student)", "dev(alpha, instructor)"),
    ),
    make=make,
    read=read,
    quantities=quantities,
    numpyro=Sides(by_hand, tuned),
    pymc=in_pymc,
    bambi=BambiSide(in_bambi, from_bambi),
)
