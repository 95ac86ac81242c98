"""Distributions of a value above zero."""

from hdsl.families.family import NONNEGATIVE, POSITIVE, Family, FamilyParameter, Role
from hdsl.families.formula import formula
from hdsl.families.links import POSITIVE_LINKS
from hdsl.families.rows import OVERDISPERSION, SIZE_SCALE, location, rate, scale, shape, spelling

LOGNORMAL = Family(
    name="lognormal",
    parameters=(
        location("mu", "mean of the logarithm"),
        scale("sigma", "standard deviation of the logarithm", "halfstudentt(4, sd(log({y})))"),
    ),
    support=POSITIVE,
    numpyro={("mu", "sigma"): spelling("dist.LogNormal", "{mu}, {sigma}")},
    pymc={("mu", "sigma"): spelling("pm.LogNormal", "mu={mu}, sigma={sigma}")},
    mean=formula("exp(mu + sigma^2 / 2)"),
    variance=formula("expm1(sigma^2) * exp(2 * mu + sigma^2)"),
    doc="Lognormal distribution: the logarithm is normal.",
    density="exp(-((log(x) - mu) / sigma)^2 / 2) / (x * sigma * sqrt(2 * pi))",
    reference="Stan Functions Reference, Lognormal distribution",
    log_cdf=formula("log_inv_probit((log(max(x, 1e-300)) - mu) / sigma)"),
    log_survival=formula("log_inv_probit((mu - log(max(x, 1e-300))) / sigma)"),
    elsewhere=("log_normal",),
)

GAMMA = Family(
    name="gamma",
    parameters=(
        shape("alpha", "shape: one over the squared coefficient of variation", OVERDISPERSION),
        rate("beta", "rate: the mean is `alpha / beta`"),
    ),
    support=POSITIVE,
    numpyro={("alpha", "beta"): spelling("dist.Gamma", "{alpha}, {beta}")},
    pymc={("alpha", "beta"): spelling("pm.Gamma", "alpha={alpha}, beta={beta}")},
    mean=formula("alpha / beta"),
    variance=formula("alpha / beta^2"),
    doc="Gamma distribution. A regression of the mean is `gamma(alpha, alpha / mu)`.",
    density="beta^alpha * x^(alpha - 1) * exp(-beta * x) / Gamma(alpha)",
    reference="Stan Functions Reference, Gamma distribution",
    log_cdf=formula("log_gamma_cdf(alpha, beta * x)"),
    log_survival=formula("log_gamma_survival(alpha, beta * x)"),
    elsewhere=("dgamma",),
)

INVERSEGAMMA = Family(
    name="inversegamma",
    parameters=(
        shape("alpha", "shape", OVERDISPERSION),
        scale("beta", "scale: the mean is `beta / (alpha - 1)`", SIZE_SCALE),
    ),
    support=POSITIVE,
    numpyro={("alpha", "beta"): spelling("dist.InverseGamma", "{alpha}, {beta}")},
    pymc={("alpha", "beta"): spelling("pm.InverseGamma", "alpha={alpha}, beta={beta}")},
    mean=formula("where(alpha > 1, beta / (alpha - 1), inf)"),
    variance=formula("where(alpha > 2, beta^2 / ((alpha - 1)^2 * (alpha - 2)), inf)"),
    doc="Inverse gamma distribution: one over the value is gamma.",
    density="beta^alpha * x^(-alpha - 1) * exp(-beta / x) / Gamma(alpha)",
    reference="Stan Functions Reference, Inverse gamma distribution",
    log_cdf=formula("log_gamma_survival(alpha, beta / max(x, 1e-300))"),
    log_survival=formula("log_gamma_cdf(alpha, beta / max(x, 1e-300))"),
    elsewhere=("inv_gamma", "inverse_gamma", "invgamma"),
)

EXPONENTIAL = Family(
    name="exponential",
    parameters=(rate("rate", "rate: the mean is `1 / rate`"),),
    support=POSITIVE,
    numpyro={("rate",): spelling("dist.Exponential", "{rate}")},
    pymc={("rate",): spelling("pm.Exponential", "lam={rate}")},
    mean=formula("1 / rate"),
    variance=formula("1 / rate^2"),
    doc="Exponential distribution.",
    density="rate * exp(-rate * x)",
    reference="Stan Functions Reference, Exponential distribution",
    log_cdf=formula("log1mexp(-rate * max(x, 0))"),
    log_survival=formula("-rate * max(x, 0)"),
    elsewhere=("expon", "dexp"),
)

WEIBULL = Family(
    name="weibull",
    parameters=(
        shape("alpha", "shape: above 1 the hazard rises, below 1 it falls", "lognormal(0, 1)"),
        scale("sigma", "scale: 63% lie below it", SIZE_SCALE),
    ),
    support=POSITIVE,
    numpyro={("alpha", "sigma"): spelling("dist.Weibull", "scale={sigma}, concentration={alpha}")},
    pymc={("alpha", "sigma"): spelling("pm.Weibull", "alpha={alpha}, beta={sigma}")},
    mean=formula("sigma * exp(lgamma(1 + 1 / alpha))"),
    variance=formula("sigma^2 * (exp(lgamma(1 + 2 / alpha)) - exp(2 * lgamma(1 + 1 / alpha)))"),
    doc="Weibull distribution, shape before scale.",
    density="alpha / sigma * (x / sigma)^(alpha - 1) * exp(-(x / sigma)^alpha)",
    reference="Stan Functions Reference, Weibull distribution",
    log_cdf=formula("log1mexp(-((max(x, 1e-300) / sigma)^alpha))"),
    log_survival=formula("-((max(x, 1e-300) / sigma)^alpha)"),
)

HALFNORMAL = Family(
    name="halfnormal",
    parameters=(scale("sigma", "scale: the sd of the normal that is folded", SIZE_SCALE),),
    support=NONNEGATIVE,
    numpyro={("sigma",): spelling("dist.HalfNormal", "{sigma}")},
    pymc={("sigma",): spelling("pm.HalfNormal", "sigma={sigma}")},
    mean=formula("sigma * sqrt(2 / pi)"),
    variance=formula("sigma^2 * (1 - 2 / pi)"),
    doc="Half normal distribution: the absolute value of `normal(0, sigma)`.",
    density="sqrt(2 / pi) / sigma * exp(-(x / sigma)^2 / 2)",
    reference="PyMC `HalfNormal`",
    log_cdf=formula("log1mexp(log(2) + log_inv_probit(-max(x, 0) / sigma))"),
    log_survival=formula("log(2) + log_inv_probit(-max(x, 0) / sigma)"),
    elsewhere=("half_normal",),
)

HALFSTUDENTT = Family(
    name="halfstudentt",
    parameters=(
        shape("nu", "degrees of freedom: the smaller, the heavier the tail", "gamma(2, 0.1)"),
        scale("sigma", "scale of the t distribution that is folded", SIZE_SCALE),
    ),
    support=NONNEGATIVE,
    numpyro={
        ("nu", "sigma"): spelling("dist.FoldedDistribution", "dist.StudentT({nu}, 0.0, {sigma})")
    },
    pymc={("nu", "sigma"): spelling("pm.HalfStudentT", "nu={nu}, sigma={sigma}")},
    mean=formula(
        "where(nu > 1, 2 * sigma * sqrt(nu / pi) / abs(nu - 1)"
        " * exp(lgamma((nu + 1) / 2) - lgamma(nu / 2)), inf)"
    ),
    variance=formula(
        "where(nu > 2, sigma^2 * (nu / (nu - 2)"
        " - 4 * nu / pi / (nu - 1)^2 * exp(2 * lgamma((nu + 1) / 2) - 2 * lgamma(nu / 2))), inf)"
    ),
    doc="Half Student t distribution: the absolute value of `studentt(nu, 0, sigma)`.",
    density=(
        "2 * (1 + (x / sigma)^2 / nu)^(-(nu + 1) / 2) / (Beta(nu / 2, 1 / 2) * sigma * sqrt(nu))"
    ),
    reference="PyMC `HalfStudentT`",
    log_cdf=formula("log1mexp(log(2) + log_t_cdf(nu, -max(x, 0) / sigma))"),
    log_survival=formula("log(2) + log_t_cdf(nu, -max(x, 0) / sigma)"),
    elsewhere=("half_student_t", "half_studentt", "half_t"),
)

HALFCAUCHY = Family(
    name="halfcauchy",
    parameters=(scale("sigma", "scale, and median", SIZE_SCALE),),
    support=NONNEGATIVE,
    numpyro={("sigma",): spelling("dist.HalfCauchy", "{sigma}")},
    pymc={("sigma",): spelling("pm.HalfCauchy", "beta={sigma}")},
    mean=None,
    variance=None,
    doc="Half Cauchy distribution: the absolute value of `cauchy(0, sigma)`; it has no mean.",
    density="2 / (pi * sigma * (1 + (x / sigma)^2))",
    reference="PyMC `HalfCauchy`",
    log_cdf=formula("log(2 / pi * angle(max(x, 0), sigma))"),
    log_survival=formula("log(2 / pi * angle(sigma, max(x, 0)))"),
    elsewhere=("half_cauchy",),
)

PARETO = Family(
    name="pareto",
    parameters=(
        shape("alpha", "tail index: the smaller, the heavier the tail", "gamma(2, 0.5)"),
        FamilyParameter("m", POSITIVE, Role.BOUND, "the smallest possible value", POSITIVE_LINKS),
    ),
    support=POSITIVE,
    numpyro={("alpha", "m"): spelling("dist.Pareto", "scale={m}, alpha={alpha}")},
    pymc={("alpha", "m"): spelling("pm.Pareto", "alpha={alpha}, m={m}")},
    mean=formula("where(alpha > 1, alpha * m / (alpha - 1), inf)"),
    variance=formula("where(alpha > 2, alpha * m^2 / ((alpha - 1)^2 * (alpha - 2)), inf)"),
    doc="Pareto distribution: a power law above `m`.",
    density="alpha * m^alpha / x^(alpha + 1)",
    reference="Stan Functions Reference, Pareto distribution",
    log_cdf=formula("log1mexp(alpha * log(m / max(x, m)))"),
    log_survival=formula("alpha * log(m / max(x, m))"),
    lower="m",
    positional=False,
)

HALFFLAT = Family(
    name="halfflat",
    parameters=(),
    support=POSITIVE,
    numpyro={(): spelling("dist.ImproperUniform", "dist.constraints.positive, (), ()")},
    pymc={(): spelling("pm.HalfFlat", "")},
    mean=None,
    variance=None,
    doc="Improper: every value above zero is as likely as any other.",
    density="1",
    reference="PyMC `HalfFlat`; Stan's default for a parameter with a lower bound of 0",
    improper=True,
    elsewhere=("half_flat",),
)

POSITIVES = (
    LOGNORMAL,
    GAMMA,
    INVERSEGAMMA,
    EXPONENTIAL,
    WEIBULL,
    HALFNORMAL,
    HALFSTUDENTT,
    HALFCAUCHY,
    PARETO,
    HALFFLAT,
)
"""The rows of this file, in the order of the language reference."""
