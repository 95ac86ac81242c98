"""Distributions of counts and of yes or no."""

from hdsl.expr import Value, substitute
from hdsl.families.family import (
    BINARY,
    COUNT,
    POSITIVE_COUNT,
    Family,
    FamilyParameter,
    Role,
    Spelling,
)
from hdsl.families.formula import formula
from hdsl.families.helpers import NUMPYRO_BETABINOMIAL, NUMPYRO_GEOMETRIC
from hdsl.families.links import LINKS, UNIT_LINKS
from hdsl.families.rows import (
    OVERDISPERSION,
    Forms,
    positive_location,
    probability,
    shape,
    spelling,
)


def _by_log_odds(constructor: str, arguments: str, *before: str) -> Forms:
    """The linked forms of a probability, all by way of its log odds (the slot ``logit``)."""
    forms = {}
    for name in UNIT_LINKS:
        link = LINKS[name]
        assert link.logit is not None
        argument = f"{name}_p"
        logit = substitute(link.logit, {"x": Value(argument)})
        forms[(*before, argument)] = Spelling(constructor, arguments, {"logit": logit})
    return forms


_TRIALS = FamilyParameter("n", COUNT, Role.SIZE, "number of trials, from the data")
_WHOLE = "jnp.asarray({n}, int)"  # NumPyro cannot simulate a number of trials that is a float

BERNOULLI = Family(
    name="bernoulli",
    parameters=(probability("p", "probability of a 1"),),
    support=BINARY,
    numpyro={
        ("p",): spelling("dist.Bernoulli", "probs={p}"),
        **_by_log_odds("dist.Bernoulli", "logits={logit}"),
    },
    pymc={
        ("p",): spelling("pm.Bernoulli", "p={p}"),
        **_by_log_odds("pm.Bernoulli", "logit_p={logit}"),
    },
    mean=formula("p"),
    variance=formula("p * (1 - p)"),
    doc="Bernoulli distribution of 0 or 1.",
    density="p^x * (1 - p)^(1 - x)",
    reference="Stan Functions Reference, Bernoulli distribution",
    elsewhere=("bernoulli_logit",),
)

BINOMIAL = Family(
    name="binomial",
    parameters=(_TRIALS, probability("p", "probability of success in each trial")),
    support=COUNT,
    numpyro={
        ("n", "p"): spelling("dist.Binomial", f"{_WHOLE}, probs={{p}}"),
        **_by_log_odds("dist.Binomial", f"{_WHOLE}, logits={{logit}}", "n"),
    },
    pymc={
        ("n", "p"): spelling("pm.Binomial", "n={n}, p={p}"),
        **_by_log_odds("pm.Binomial", "n={n}, logit_p={logit}", "n"),
    },
    mean=formula("n * p"),
    variance=formula("n * p * (1 - p)"),
    doc="Binomial distribution: successes in `n` trials.",
    density="choose(n, x) * p^x * (1 - p)^(n - x)",
    reference="Stan Functions Reference, Binomial distribution",
    log_cdf=formula("log_beta_cdf(n - x, x + 1, log1p(-p) - log(p))"),
    log_survival=formula("log_beta_cdf(x + 1, n - x, log(p) - log1p(-p))"),
    upper="n",
    elsewhere=("binomial_logit", "dbin"),
)

BETABINOMIAL = Family(
    name="betabinomial",
    parameters=(
        _TRIALS,
        shape("alpha", "shape: pulls towards success", "exponential(0.1)"),
        shape("beta", "shape: pulls towards failure", "exponential(0.1)"),
    ),
    support=COUNT,
    numpyro={
        ("n", "alpha", "beta"): spelling(
            "BetaBinomial", f"{{alpha}}, {{beta}}, total_count={_WHOLE}", NUMPYRO_BETABINOMIAL
        )
    },
    pymc={("n", "alpha", "beta"): spelling("pm.BetaBinomial", "n={n}, alpha={alpha}, beta={beta}")},
    mean=formula("n * alpha / (alpha + beta)"),
    variance=formula(
        "n * alpha * beta * (alpha + beta + n) / ((alpha + beta)^2 * (alpha + beta + 1))"
    ),
    doc=(
        "Beta-binomial distribution: binomial with a probability drawn from `beta(alpha, beta)` "
        "for each observation. A regression of the mean has `alpha = mu * phi` and "
        "`beta = (1 - mu) * phi`."
    ),
    density="choose(n, x) * Beta(x + alpha, n - x + beta) / Beta(alpha, beta)",
    reference="Stan Functions Reference, Beta-binomial distribution",
    upper="n",
    positional=False,
    elsewhere=("beta_binomial",),
)

POISSON = Family(
    name="poisson",
    parameters=(positive_location("mu", "mean"),),
    support=COUNT,
    numpyro={("mu",): spelling("dist.Poisson", "{mu}")},
    pymc={("mu",): spelling("pm.Poisson", "mu={mu}")},
    mean=formula("mu"),
    variance=formula("mu"),
    doc="Poisson distribution of a count.",
    density="mu^x * exp(-mu) / Gamma(x + 1)",
    reference="Stan Functions Reference, Poisson distribution",
    log_cdf=formula("log_gamma_survival(x + 1, mu)"),
    log_survival=formula("log_gamma_cdf(x + 1, mu)"),
    elsewhere=("poisson_log", "dpois"),
)

NEGBINOMIAL = Family(
    name="negbinomial",
    parameters=(
        positive_location("mu", "mean"),
        shape(
            "phi",
            "dispersion: the variance is `mu + mu^2 / phi`, the larger, the nearer to Poisson",
            OVERDISPERSION,
        ),
    ),
    support=COUNT,
    numpyro={
        # not NegativeBinomial2: jax's betaln, on which it stands, is off in the sixth digit
        ("mu", "phi"): spelling(
            "dist.NegativeBinomialLogits", "{phi}, {logits}", logits="log(mu) - log(phi)"
        ),
        ("mu", "log_phi"): spelling(
            "dist.NegativeBinomialLogits",
            "{phi}, {logits}",
            phi="exp(log_phi)",
            logits="log(mu) - log_phi",
        ),
        ("log_mu", "phi"): spelling(
            "dist.NegativeBinomialLogits", "{phi}, {logits}", logits="log_mu - log(phi)"
        ),
        ("log_mu", "log_phi"): spelling(
            "dist.NegativeBinomialLogits",
            "{phi}, {logits}",
            phi="exp(log_phi)",
            logits="log_mu - log_phi",
        ),
    },
    pymc={("mu", "phi"): spelling("pm.NegativeBinomial", "mu={mu}, alpha={phi}")},
    mean=formula("mu"),
    variance=formula("mu + mu^2 / phi"),
    doc="Negative binomial distribution by mean and dispersion: a Poisson with a gamma mean.",
    density="choose(x + phi - 1, x) * (mu / (mu + phi))^x * (phi / (mu + phi))^phi",
    reference="Stan Functions Reference, Negative binomial distribution (alternative)",
    log_cdf=formula("log_beta_cdf(phi, x + 1, log(phi) - log(mu))"),
    log_survival=formula("log_beta_cdf(x + 1, phi, log(mu) - log(phi))"),
    elsewhere=("neg_binomial_2", "neg_binomial", "negative_binomial", "negativebinomial"),
)

GEOMETRIC = Family(
    name="geometric",
    parameters=(probability("p", "probability of success in each trial"),),
    support=POSITIVE_COUNT,
    numpyro={
        ("p",): spelling("TrialsToSuccess", "{logits}", NUMPYRO_GEOMETRIC, logits="logit(p)"),
        ("logit_p",): spelling("TrialsToSuccess", "{logit_p}", NUMPYRO_GEOMETRIC),
    },
    pymc={("p",): spelling("pm.Geometric", "p={p}")},
    mean=formula("1 / p"),
    variance=formula("(1 - p) / p^2"),
    doc=(
        "Geometric distribution: the number of trials up to and with the first success, so at "
        "least 1 (as in PyMC and SciPy; NumPyro and R count the failures, from 0)."
    ),
    density="p * (1 - p)^(x - 1)",
    reference="PyMC `Geometric`",
    log_cdf=formula("log1mexp(max(x, 0) * log1p(-p))"),
    log_survival=formula("max(x, 0) * log1p(-p)"),
)

DISCRETE = (BERNOULLI, BINOMIAL, BETABINOMIAL, POISSON, NEGBINOMIAL, GEOMETRIC)
"""The rows of this file, in the order of the language reference."""
