"""Distributions of a value between two bounds, and of a correlation."""

from math import pi

from hdsl.families.family import (
    CORRELATION,
    REAL,
    UNIT,
    Family,
    FamilyParameter,
    Role,
    Support,
)
from hdsl.families.formula import formula
from hdsl.families.rows import location, shape, spelling

BETA = Family(
    name="beta",
    parameters=(
        shape("alpha", "shape: pulls towards 1", "exponential(0.1)"),
        shape("beta", "shape: pulls towards 0", "exponential(0.1)"),
    ),
    support=UNIT,
    numpyro={("alpha", "beta"): spelling("dist.Beta", "{alpha}, {beta}")},
    pymc={("alpha", "beta"): spelling("pm.Beta", "alpha={alpha}, beta={beta}")},
    mean=formula("alpha / (alpha + beta)"),
    variance=formula("alpha * beta / ((alpha + beta)^2 * (alpha + beta + 1))"),
    doc="Beta distribution. A regression of the mean is `beta(mu * phi, (1 - mu) * phi)`.",
    density="x^(alpha - 1) * (1 - x)^(beta - 1) / Beta(alpha, beta)",
    reference="Stan Functions Reference, Beta distribution",
    log_cdf=formula("log_beta_cdf(alpha, beta, log(max(x, 1e-300)) - log(max(1 - x, 1e-300)))"),
    log_survival=formula(
        "log_beta_cdf(beta, alpha, log(max(1 - x, 1e-300)) - log(max(x, 1e-300)))"
    ),
)

UNIFORM = Family(
    name="uniform",
    parameters=(
        FamilyParameter("lower", REAL, Role.BOUND, "the smallest possible value"),
        FamilyParameter("upper", REAL, Role.BOUND, "the largest possible value"),
    ),
    support=REAL,
    numpyro={("lower", "upper"): spelling("dist.Uniform", "{lower}, {upper}")},
    pymc={("lower", "upper"): spelling("pm.Uniform", "lower={lower}, upper={upper}")},
    mean=formula("(lower + upper) / 2"),
    variance=formula("(upper - lower)^2 / 12"),
    doc="Uniform distribution between two bounds.",
    density="1 / (upper - lower)",
    reference="Stan Functions Reference, Uniform distribution",
    log_cdf=formula("log(clip((x - lower) / (upper - lower), 1e-300, 1))"),
    log_survival=formula("log(clip((upper - x) / (upper - lower), 1e-300, 1))"),
    lower="lower",
    upper="upper",
    elsewhere=("dunif",),
)

VONMISES = Family(
    name="vonmises",
    parameters=(
        location("mu", "mean direction, an angle in radians"),
        shape("kappa", "concentration: 0 is uniform on the circle", "exponential(0.1)"),
    ),
    support=Support(-pi, pi, open_lower=False, open_upper=False),
    numpyro={("mu", "kappa"): spelling("dist.VonMises", "{mu}, {kappa}")},
    pymc={("mu", "kappa"): spelling("pm.VonMises", "mu={mu}, kappa={kappa}")},
    mean=None,
    variance=None,
    doc="Von Mises distribution of an angle between -pi and pi: the normal of the circle.",
    density="exp(kappa * cos(x - mu)) / (2 * pi * besselI0(kappa))",
    reference="Stan Functions Reference, Von Mises distribution",
    elsewhere=("von_mises",),
)

LKJ = Family(
    name="lkj",
    parameters=(
        shape("eta", "1: uniform over correlation matrices; the larger, the nearer to none", None),
    ),
    support=CORRELATION,
    numpyro={("eta",): spelling("dist.Beta", "{eta}, {eta}")},
    pymc={("eta",): spelling("pm.Beta", "alpha={eta}, beta={eta}")},
    mean=formula("0"),
    variance=formula("1 / (2 * eta + 1)"),
    doc=(
        "Prior of correlations (Lewandowski, Kurowicka and Joe). Moments, density and spelling are "
        "those of a single correlation, whose `(x + 1) / 2` is what the spelling samples; a matrix "
        "is sampled by its Cholesky factor."
    ),
    density="((1 + x) / 2)^(eta - 1) * ((1 - x) / 2)^(eta - 1) / (2 * Beta(eta, eta))",
    reference="Stan Functions Reference, LKJ correlation distribution",
    elsewhere=("lkj_corr", "lkjcorr", "lkj_corr_cholesky"),
)

BOUNDED = (BETA, UNIFORM, VONMISES, LKJ)
"""The rows of this file, in the order of the language reference."""
