"""Distributions of a value that may lie anywhere on the line."""

from hdsl.families.family import (
    REAL,
    Family,
    FamilyParameter,
    Role,
)
from hdsl.families.formula import formula
from hdsl.families.helpers import NUMPYRO_SKEW_NORMAL, PYMC_SKEW_NORMAL
from hdsl.families.rows import location, probability, scale, shape, spelling

NORMAL = Family(
    name="normal",
    parameters=(location("mu", "mean"), scale("sigma", "standard deviation")),
    support=REAL,
    numpyro={("mu", "sigma"): spelling("dist.Normal", "{mu}, {sigma}")},
    pymc={("mu", "sigma"): spelling("pm.Normal", "mu={mu}, sigma={sigma}")},
    mean=formula("mu"),
    variance=formula("sigma^2"),
    doc="Normal (Gaussian) distribution.",
    density="exp(-((x - mu) / sigma)^2 / 2) / (sigma * sqrt(2 * pi))",
    reference="Stan Functions Reference, Normal distribution",
    log_cdf=formula("log_inv_probit((x - mu) / sigma)"),
    log_survival=formula("log_inv_probit((mu - x) / sigma)"),
    folded="halfnormal",
    elsewhere=("gaussian", "dnorm"),
)

STUDENTT = Family(
    name="studentt",
    parameters=(
        shape("nu", "degrees of freedom: the smaller, the heavier the tails", "gamma(2, 0.1)"),
        location("mu", "median, and mean where `nu` is above 1"),
        scale("sigma", "scale"),
    ),
    support=REAL,
    numpyro={("nu", "mu", "sigma"): spelling("dist.StudentT", "{nu}, {mu}, {sigma}")},
    pymc={("nu", "mu", "sigma"): spelling("pm.StudentT", "nu={nu}, mu={mu}, sigma={sigma}")},
    mean=formula("mu"),
    variance=formula("where(nu > 2, sigma^2 * nu / (nu - 2), inf)"),
    doc="Student's t distribution with a location and a scale: a normal one with heavier tails.",
    density=(
        "(1 + ((x - mu) / sigma)^2 / nu)^(-(nu + 1) / 2) / (Beta(nu / 2, 1 / 2) * sigma * sqrt(nu))"
    ),
    reference="Stan Functions Reference, Student-t distribution",
    log_cdf=formula("log_t_cdf(nu, (x - mu) / sigma)"),
    log_survival=formula("log_t_cdf(nu, (mu - x) / sigma)"),
    folded="halfstudentt",
    elsewhere=("t", "student", "student_t"),
)

CAUCHY = Family(
    name="cauchy",
    parameters=(location("mu", "median"), scale("sigma", "half the distance of the quartiles")),
    support=REAL,
    numpyro={("mu", "sigma"): spelling("dist.Cauchy", "{mu}, {sigma}")},
    pymc={("mu", "sigma"): spelling("pm.Cauchy", "alpha={mu}, beta={sigma}")},
    mean=None,
    variance=None,
    doc="Cauchy distribution: tails so heavy that it has neither mean nor variance.",
    density="1 / (pi * sigma * (1 + ((x - mu) / sigma)^2))",
    reference="Stan Functions Reference, Cauchy distribution",
    log_cdf=formula("log(angle(sigma, mu - x) / pi)"),
    log_survival=formula("log(angle(sigma, x - mu) / pi)"),
    folded="halfcauchy",
)

LAPLACE = Family(
    name="laplace",
    parameters=(location("mu", "mean and median"), scale("sigma", "mean absolute deviation")),
    support=REAL,
    numpyro={("mu", "sigma"): spelling("dist.Laplace", "{mu}, {sigma}")},
    pymc={("mu", "sigma"): spelling("pm.Laplace", "mu={mu}, b={sigma}")},
    mean=formula("mu"),
    variance=formula("2 * sigma^2"),
    doc="Laplace (double exponential) distribution.",
    density="exp(-abs(x - mu) / sigma) / (2 * sigma)",
    reference="Stan Functions Reference, Double exponential (Laplace) distribution",
    log_cdf=formula(
        "where(x < mu, (x - mu) / sigma - log(2), log1p(-exp(-abs(x - mu) / sigma) / 2))"
    ),
    log_survival=formula(
        "where(x < mu, log1p(-exp(-abs(x - mu) / sigma) / 2), (mu - x) / sigma - log(2))"
    ),
    elsewhere=("double_exponential", "doubleexponential"),
)

LOGISTIC = Family(
    name="logistic",
    parameters=(location("mu", "mean and median"), scale("sigma", "scale")),
    support=REAL,
    numpyro={("mu", "sigma"): spelling("dist.Logistic", "{mu}, {sigma}")},
    pymc={("mu", "sigma"): spelling("pm.Logistic", "mu={mu}, s={sigma}")},
    mean=formula("mu"),
    variance=formula("sigma^2 * pi^2 / 3"),
    doc="Logistic distribution.",
    density="expit((x - mu) / sigma) * expit((mu - x) / sigma) / sigma",
    reference="Stan Functions Reference, Logistic distribution",
    log_cdf=formula("-softplus((mu - x) / sigma)"),
    log_survival=formula("-softplus((x - mu) / sigma)"),
)

SKEWNORMAL = Family(
    name="skewnormal",
    parameters=(
        location("mu", "location; the mean where `alpha` is 0"),
        scale("sigma", "scale; the standard deviation where `alpha` is 0"),
        FamilyParameter(
            "alpha",
            REAL,
            Role.SHAPE,
            "skewness: above 0 the right tail is the longer one",
            default="normal(0, 4)",
        ),
    ),
    support=REAL,
    numpyro={
        ("mu", "sigma", "alpha"): spelling(
            "SkewNormal", "{mu}, {sigma}, {alpha}", NUMPYRO_SKEW_NORMAL
        )
    },
    pymc={
        ("mu", "sigma", "alpha"): spelling(
            "SkewNormal", "mu={mu}, sigma={sigma}, alpha={alpha}", PYMC_SKEW_NORMAL
        )
    },
    mean=formula("mu + sigma * alpha / sqrt(1 + alpha^2) * sqrt(2 / pi)"),
    variance=formula("sigma^2 * (1 - 2 / pi * alpha^2 / (1 + alpha^2))"),
    doc="Skew normal distribution.",
    density="2 / sigma * phi((x - mu) / sigma) * inv_probit(alpha * (x - mu) / sigma)",
    reference="Stan Functions Reference, Skew normal distribution",
    positional=False,
    elsewhere=("skew_normal",),
)

ASYMMETRICLAPLACE = Family(
    name="asymmetriclaplace",
    parameters=(
        location("mu", "the quantile at `q`"),
        scale("sigma", "scale"),
        probability("q", "the probability below `mu`"),
    ),
    support=REAL,
    numpyro={
        ("mu", "sigma", "q"): spelling("dist.AsymmetricLaplaceQuantile", "{mu}, {sigma}, {q}")
    },
    pymc={
        ("mu", "sigma", "q"): spelling(
            "pm.AsymmetricLaplace",
            "mu={mu}, b={b}, q={q}",
            b="sqrt(q * (1 - q)) / sigma",
        )
    },
    mean=formula("mu + sigma * (1 - 2 * q) / (q * (1 - q))"),
    variance=formula("sigma^2 * (1 - 2 * q + 2 * q^2) / (q * (1 - q))^2"),
    doc=(
        "Asymmetric Laplace distribution, in the form of quantile regression: "
        "the likelihood whose maximum is the quantile regression line for `q`."
    ),
    density="q * (1 - q) / sigma * exp(-(x - mu) / sigma * (q - (x < mu)))",
    reference="Yu and Moyeed (2001), Bayesian quantile regression; brms `asym_laplace`",
    log_cdf=formula(
        "where(x < mu, log(q) + (1 - q) * (x - mu) / sigma,"
        " log1p((q - 1) * exp(-q * abs(x - mu) / sigma)))"
    ),
    log_survival=formula(
        "where(x < mu, log1p(-q * exp((q - 1) * abs(x - mu) / sigma)),"
        " log1p(-q) + q * (mu - x) / sigma)"
    ),
    elsewhere=("asymmetric_laplace", "asym_laplace", "skew_double_exponential"),
)

FLAT = Family(
    name="flat",
    parameters=(),
    support=REAL,
    numpyro={(): spelling("dist.ImproperUniform", "dist.constraints.real, (), ()")},
    pymc={(): spelling("pm.Flat", "")},
    mean=None,
    variance=None,
    doc="Improper: every value on the line is as likely as any other.",
    density="1",
    reference="PyMC `Flat`; Stan's default for an unconstrained parameter",
    improper=True,
    folded="halfflat",
)

CONTINUOUS = (
    NORMAL,
    STUDENTT,
    CAUCHY,
    LAPLACE,
    LOGISTIC,
    SKEWNORMAL,
    ASYMMETRICLAPLACE,
    FLAT,
)
"""The rows of this file, in the order of the language reference."""
