"""H3xx: types and supports."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

E, W = Severity.ERROR, Severity.WARNING

GOOD = "data y, x : real\ny ~ normal(alpha + beta * x, sigma)\nalpha, beta ~ region\n"

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "H301",
        E,
        "a prior reaches outside its parameter's support",
        "An sd is positive and a probability lies between 0 and 1; a prior that allows other "
        "values "
        "would silently be cut off by one backend and crash in the other.",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ 1\nsigma ~ normal(0, 1)\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ 1\nsigma ~ halfnormal(1)\n",
    ),
    Entry(
        "H302",
        E,
        "an expression leaves the support of its argument",
        "A sum of coefficients can be any number, and this argument cannot. A linked form "
        "holds it on "
        "the right side: `poisson(log_mu = eta)`, or `log(mu) = eta`.",
        "data y : count\ndata x : real\ny ~ poisson(alpha + beta * x)\nalpha, beta ~ "
        "normal(0, 1)\n",
        "data y : count\ndata x : real\ny ~ poisson(log_mu = alpha + beta * x)\n"
        "alpha, beta ~ normal(0, 1)\n",
    ),
    Entry(
        "H303",
        W,
        "an expression may leave the support of its argument",
        "For some values of the parameters this argument is out of bounds; there the density "
        "is zero "
        "and the sampler is turned back. A link avoids it.",
        "data y : binary\ndata x : real\ny ~ bernoulli(exp(alpha + beta * x))\n"
        "alpha, beta ~ normal(0, 1)\n",
        "data y : binary\ndata x : real\ny ~ bernoulli(logit_p = alpha + beta * x)\n"
        "alpha, beta ~ normal(0, 1)\n",
    ),
    Entry(
        "H304",
        E,
        "this distribution cannot stand here",
        "Parameters are continuous (gradients need that), improper priors are no distributions of "
        "data, and a factor has no number.",
        "data y : real\ny ~ normal(k, 1)\nk ~ poisson(3)\n",
        "data y : real\ny ~ normal(k, 1)\nk ~ gamma(3, 1)\n",
    ),
    Entry(
        "H305",
        E,
        "no default prior fits",
        "Defaults are weakly informative and scaled by the data: for intercepts, for "
        "coefficients that "
        "multiply data, for scales and shapes. Anywhere else HDSL asks instead of guessing.",
        "data y, x : real\ny ~ normal(a * exp(b * x), sigma)\na ~ normal(0, 1)\nb ~ 1\n",
        "data y, x : real\ny ~ normal(a * exp(b * x), sigma)\na, b ~ normal(0, 1)\n",
    ),
    Entry(
        "H306",
        E,
        "unknown type of data",
        "The types are real, positive, proportion, count, binary, factor and ordered.",
        "data y : reel\ny ~ normal(mu, sigma)\nmu ~ 1\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ 1\n",
    ),
    Entry(
        "H307",
        E,
        "the two numbers of `likely` do not fit",
        "`likely(lo, hi)` puts 95% of the parameter's natural family between the two: they "
        "are in order "
        "and inside the parameter's support.",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ 1\nsigma ~ likely(-1, 10)\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ 1\nsigma ~ likely(0.1, 10)\n",
    ),
    Entry(
        "H308",
        E,
        "a label stands where it cannot",
        "Text in quotes is a label. It can be compared with a factor or a level, and it can pick a "
        'member: `alpha["Aitkin"]`.',
        'data y, sex : real\ny ~ normal(alpha + beta * (sex == "F"), sigma)\nalpha, beta ~ 1\n',
        'data y : real\ndata sex : factor\ny ~ normal(alpha + beta * (sex == "F"), sigma)\n'
        "alpha, beta ~ 1\n",
    ),
    Entry(
        "H310",
        E,
        "this cannot stand left of a statement",
        "Left of `~` and `=` stand names, accessors such as `sd(b)`, and an invertible function of "
        "one of them: a link, or a power.",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ 1\nabs(sigma) ~ normal(0, 1)\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ 1\nsigma^2 ~ inversegamma(2, 1)\n",
    ),
    Entry(
        "H320",
        E,
        "this distribution cannot be wrapped so",
        "`truncated` and `censored` need a distribution function in closed form, `zeroinflated` is "
        "for counts, weights stand outermost, and a mixture is all of counts or all continuous. "
        "Bounds are in order.",
        "data y : real\ny ~ zeroinflated(normal(mu, 1), p)\nmu ~ 1\n",
        "data y : real\ny ~ hurdle(normal(mu, 1), p)\nmu ~ 1\n",
    ),
    Entry(
        "H321",
        E,
        "weights and components of a mixture differ",
        "A mixture has a weight for each of its components, in a list; or weights that vary over a "
        "level with fixed members, and one distribution whose arguments may vary over it too.",
        "data y : real\ny ~ mixture([p, q, 1 - p - q], normal(0, 1), normal(0, 5))\n",
        "data y : real\ny ~ mixture([p, 1 - p], normal(0, 1), normal(0, 5))\n",
    ),
    Entry(
        "H322",
        E,
        "the weights of a mixture do not add up to 1",
        "The weights are the shares of the components. Parameters of their own do not add up to 1: "
        "the last weight is what the others leave.",
        "data y : real\ny ~ mixture([p, q], normal(0, 1), normal(0, 5))\n",
        "data y : real\ny ~ mixture([p, 1 - p], normal(0, 1), normal(0, 5))\n",
    ),
)
