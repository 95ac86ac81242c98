"""H4xx: the hierarchy."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

E, W = Severity.ERROR, Severity.WARNING

GOOD = "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ region\n"
WALK = (
    "level week ordered\ndata y : real\ny ~ normal(trend, sigma)\n"
    "trend[week] ~ randomwalk(s)\ns ~ halfnormal(1)\n"
)

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "H401",
        E,
        "a level nested in itself",
        "Nesting goes from fine to coarse and ends: a store lies in a region, a region in a "
        "country.",
        "level a in b\nlevel b in a\ndata y : real\ny ~ normal(alpha, sigma)\nalpha ~ a\n",
        "level a in b\ndata y : real\ny ~ normal(alpha, sigma)\nalpha ~ a\n",
    ),
    Entry(
        "H402",
        E,
        "the group stands before the bar",
        "In lme4 and brms `(1 | region)` is an intercept by region. In HDSL the coefficient "
        "has a name, "
        "the level follows `~`, and the bar is followed by group-level predictors: `alpha ~ "
        "region | income`.",
        "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ 1 | region\n",
        GOOD,
    ),
    Entry(
        "H403",
        E,
        "a number in a formula",
        "A formula is a sum of levels. The mean is there by itself; `0 +` takes it away, and "
        "a lone "
        "`1` is one value for all.",
        "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ 2 + region\n",
        GOOD,
    ),
    Entry(
        "H404",
        E,
        "a group-level predictor that varies inside its group",
        "What stands after the bar has one value per group of the formula's finest level.",
        "data y, x : real\ny ~ normal(alpha, sigma)\nalpha ~ region | x\n",
        "data y : real\ndata x : real per region\ny ~ normal(alpha, sigma)\nalpha ~ region | x\n",
    ),
    Entry(
        "H405",
        E,
        "a correlation that cannot be had",
        "Two coefficients have one correlation. Three or more have a matrix with one lkj "
        "prior: its "
        "entries have no priors of their own, and a zero splits it only where it leaves "
        "whole blocks.",
        "data y, x, z : real\ny ~ normal(a + b * x + c * z, sigma)\na, b, c ~ region\ncor(a, "
        "b) = 0\n",
        "data y, x, z : real\ny ~ normal(a + b * x + c * z, sigma)\na, b, c ~ region\n"
        "cor(a, b, c) ~ lkj(1)\n",
    ),
    Entry(
        "H407",
        E,
        "numbers used as a level",
        "A column declared as real numbers does not group. A predictor of a coefficient "
        "stands after "
        "a bar; to group by a number on purpose declare a level from its column.",
        "data y, income : real\ny ~ normal(alpha, sigma)\nalpha ~ income\n",
        "data y : real\ndata income : real per region\ny ~ normal(alpha, sigma)\nalpha ~ "
        "region | income\n",
    ),
    Entry(
        "H408",
        E,
        "a level stands twice",
        "The deviations of a level enter a coefficient once.",
        "data y : real\ny ~ normal(alpha, sigma)\nalpha ~ region + region\n",
        GOOD,
    ),
    Entry(
        "H409",
        E,
        "a block of columns where none can stand, or one that is no block",
        "`data X = [promo, price]` puts columns side by side, each under a name of its own. A "
        "block stands alone right of `=` in a `data` statement, or after a bar. It is used as "
        "`X @ theta`: the sum over its columns of column times coefficient, where `theta[X]` has "
        "one per column.",
        "data y, promo, price : real\ndata X = [promo, price]\n"
        "y ~ normal(X @ theta, sigma)\ntheta ~ store\n",
        "data y, promo, price : real\ndata X = [promo, price]\n"
        "y ~ normal(X @ theta, sigma)\ntheta[X] ~ store\n",
    ),
    Entry(
        "H410",
        E,
        "a structure without its level",
        "`randomwalk` and `ar` run from group to group along a level whose order is declared, "
        "`level week ordered` or one with its members written out; over the other levels of the "
        "index they are independent. `lag(x, week)` is along such a level too. What has no level "
        "has no structure.",
        WALK.replace(" ordered", ""),
        WALK,
    ),
    Entry(
        "H411",
        E,
        "a structure where it cannot be",
        "A walk, a zero-sum vector or a smooth function is a prior of a whole array of parameters. "
        "Its arguments are one for the whole (they may vary over the levels that it does not run "
        "along), its members cannot be set one by one, and data have a distribution around it.",
        WALK.replace("s ~", "s[week] ~"),
        WALK,
    ),
)
