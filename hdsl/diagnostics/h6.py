"""H6xx: statistical advice. A warning never stops anything; `# hdsl: ignore[H601]` silences it."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

_ROWS = """\
shop,size,price,year,sales
a,3,2.5,1990,10
a,3,2.0,1991,12
a,3,1.0,1992,15
b,5,3.5,1990,7
b,5,3.0,1991,9
b,5,2.0,1992,13
c,1,2.2,1990,11
c,1,1.8,1991,13
c,1,1.1,1992,14
d,8,3.9,1990,6
d,8,3.1,1991,8
d,8,2.4,1992,12
e,4,2.9,1990,9
e,4,1.7,1991,14
e,4,1.3,1992,15
"""

_INTERCEPTS = """\
level shop
data sales : real
sales ~ normal(alpha, sigma)
alpha ~ shop
"""

_SLOPES = """\
level shop
data sales, price : real
sales ~ normal(alpha + beta * price, sigma)
alpha ~ shop
beta ~ 1
"""

_WALK = """\
level year ordered
data sales : real
sales ~ normal(alpha + trend, sigma)
alpha ~ 1
trend[year] ~ randomwalk(s)
"""

_GAPS = "year,sales\n1990,10\n1990,9\n1991,12\n1991,13\n1992,15\n1992,14\n1995,11\n1995,16\n"

_THREE_SHOPS = "".join(_ROWS.splitlines(keepends=True)[:10])

_SINGLES = "shop,sales\na,10\nb,7\nb,9\nc,11\nd,6\ne,9\nf,14\n"

_EVERY_ROW = "shop,sales\na,10\nb,7\nc,11\nd,6\ne,9\nf,14\n"

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "H601",
        Severity.WARNING,
        "an sd from fewer than five groups",
        "How much groups differ is learned from the groups: two or three say next to nothing of "
        "it, so that the prior of the sd decides how far they are pooled. With a prior of your own "
        "for it the advice is taken and the warning goes.",
        _INTERCEPTS,
        _INTERCEPTS + "sd(alpha) ~ halfnormal(3)\n",
        rows=_THREE_SHOPS,
    ),
    Entry(
        "H602",
        Severity.WARNING,
        "most groups have a single row",
        "Within a group of one row a deviation of the group and the scatter of the row cannot be "
        "told apart; only the groups with several rows do it. Both sds will be known badly, and "
        "their posteriors are tied to each other.",
        _INTERCEPTS,
        _INTERCEPTS,
        rows=_SINGLES,
        good_rows=_ROWS,
    ),
    Entry(
        "H603",
        Severity.WARNING,
        "every row is its own group",
        "A deviation per row is what the residual scale already is. With a known scale "
        "(`normal(beta, se)` of a meta-analysis), or in a Poisson or binomial model, it has a "
        "meaning of its own, and there is no warning.",
        _INTERCEPTS,
        _INTERCEPTS,
        rows=_EVERY_ROW,
        good_rows=_ROWS,
    ),
    Entry(
        "H604",
        Severity.WARNING,
        "two intercepts in one sum",
        "Two means, or a mean and unpooled values of every group, are added: the data show their "
        "sum only, so that the one may rise while the other falls. The priors hold them, the "
        "sampler crawls, and neither number means anything. Keep one mean; write `~ 0 + level` in "
        "the other formula.",
        "level shop\nlevel year\ndata sales : real\nsales ~ normal(alpha + gamma, sigma)\n"
        "alpha ~ shop\ngamma ~ year\nsd(gamma) ~ halfnormal(2)\n",
        "level shop\nlevel year\ndata sales : real\nsales ~ normal(alpha + gamma, sigma)\n"
        "alpha ~ shop\ngamma ~ 0 + year\nsd(gamma) ~ halfnormal(2)\n",
        rows=_ROWS,
    ),
    Entry(
        "H605",
        Severity.WARNING,
        "as many group-level predictors as groups",
        "With as many coefficients as groups a regression of the groups' values goes through "
        "every one of them: nothing is left over for the groups' sd, and each slope answers to "
        "one group.",
        "level shop\ndata sales, price : real\ndata size, rent, staff, age : real per shop\n"
        "sales ~ normal(alpha, sigma)\nalpha ~ shop | size, rent, staff, age\n",
        "level shop\ndata sales, price : real\ndata size, rent, staff, age : real per shop\n"
        "sales ~ normal(alpha, sigma)\nalpha ~ shop | size\n",
        rows=_ROWS,
        tables={"shop": "shop,rent,staff,age\na,2,3,9\nb,5,4,1\nc,3,8,4\nd,9,6,2\ne,4,2,7\n"},
    ),
    Entry(
        "H606",
        Severity.WARNING,
        "a group's slope on what is constant within the group",
        "A slope that varies by group is learned from how rows respond to the predictor inside "
        "the groups. Where the predictor is the same throughout a group, its slope there cannot be "
        "told from its intercept. What is constant in a group belongs behind the bar: "
        "`alpha ~ shop | size`.",
        "level shop\ndata sales : real\ndata size : real per shop\n"
        "sales ~ normal(alpha + beta * size, sigma)\nalpha, beta ~ shop\n",
        "level shop\ndata sales : real\ndata size : real per shop\n"
        "sales ~ normal(alpha, sigma)\nalpha ~ shop | size\n",
        rows=_ROWS,
    ),
    Entry(
        "H607",
        Severity.WARNING,
        "a prior far from the scale of the data",
        "The effects that the prior expects are a hundred times larger, or smaller, than the "
        "scatter of the outcome: usually a unit (thousands, percent, logs) that was thought of "
        "otherwise. `hdsl expand` shows the default priors, which are scaled by the data.",
        _SLOPES + "mean(alpha) ~ normal(0, 10000)\n",
        _SLOPES + "mean(alpha) ~ normal(10, 10)\n",
        rows=_ROWS,
    ),
    Entry(
        "H608",
        Severity.WARNING,
        "a predictor far from zero",
        "The intercept of a group is its value where the predictor is zero. If zero is far outside "
        "of the data (a year, a temperature in kelvin), intercepts and slopes are tied together, "
        "chains move slowly, and the groups' intercepts mean little. `center(x)` or "
        "`standardize(x)` moves zero into the data.",
        "level shop\ndata sales, year : real\nsales ~ normal(alpha + beta * year, sigma)\n"
        "alpha, beta ~ shop\n",
        "level shop\ndata sales, year : real\ndata year_c = center(year)\n"
        "sales ~ normal(alpha + beta * year_c, sigma)\nalpha, beta ~ shop\n",
        rows=_ROWS,
    ),
    Entry(
        "H609",
        Severity.WARNING,
        "an improper prior",
        "`flat()` and `halfflat()` give every value the same weight without end. They are no "
        "distributions: nothing can be simulated from them, and where the data say little the "
        "posterior is no distribution either.",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ flat()\n",
        "data y : real\ny ~ normal(mu, sigma)\nmu ~ likely(-10, 10)\n",
    ),
    Entry(
        "H610",
        Severity.WARNING,
        "a walk over gaps",
        "A random walk or an autoregression goes from a group of its ordered level to the next one "
        "in the data, by a step of one size. Where the groups are numbers or dates with gaps "
        "between them, the step over a gap is the same as any other.",
        _WALK,
        _WALK,
        rows=_GAPS,
        good_rows=_GAPS.replace("1995", "1993"),
    ),
)
