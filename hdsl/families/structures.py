"""Structures: values over a level that depend on one another, or are regularised together."""

from hdsl.families.family import (
    CORRELATION,
    POSITIVE,
    REAL,
    UNIT,
    Family,
    FamilyParameter,
    Role,
    Support,
)
from hdsl.families.formula import formula
from hdsl.families.rows import spelling
from hdsl.families.structure import Along, Over, Structure, draw, recursion

_STANDARD = draw("z", "normal", mu="0", sigma="1")


def _scale(name: str, doc: str, default: str) -> FamilyParameter:
    return FamilyParameter(name, POSITIVE, Role.SCALE, doc, default=default)


def _setting(name: str, support: Support, doc: str, otherwise: float) -> FamilyParameter:
    return FamilyParameter(name, support, Role.SETTING, doc, otherwise=otherwise)


_COVARIATE = FamilyParameter("x", REAL, Role.COVARIATE, "the data it is a function of")
_AMPLITUDE = _scale("alpha", "standard deviation of the function", "halfnormal({scale})")
_LENGTH = FamilyParameter(
    "rho",
    POSITIVE,
    Role.SHAPE,
    "length scale, in units of `x`: values this far apart have correlation 0.61",
    default="inversegamma(5, max({x}) - min({x}))",
)

RANDOMWALK = Family(
    name="randomwalk",
    parameters=(
        _scale("sigma", "standard deviation of a step", "halfnormal({scale} / 5)"),
        FamilyParameter(
            "start", REAL, Role.LOCATION, "where the walk is before its first step", otherwise=0.0
        ),
    ),
    support=REAL,
    numpyro={},
    pymc={},
    mean=None,
    variance=None,
    doc=(
        "Random walk along an ordered level: each value is the one before it plus a normal step. "
        "The first value is `start` plus a step, so that an intercept can stand beside the walk."
    ),
    density="x[t] = x[t - 1] + step, step ~ normal(0, sigma), x[0] = start",
    reference="Rue and Held (2005), Gaussian Markov Random Fields, section 3.3.1",
    elsewhere=("rw1", "rw", "random_walk", "gaussianrandomwalk", "gaussian_random_walk"),
    structure=Structure(
        Along.ORDERED,
        (_STANDARD,),
        formula("start + cumsum(sigma * z)"),
        recursion=recursion(("start", "sigma"), ("before", "sigma")),
    ),
)

AR = Family(
    name="ar",
    parameters=(
        FamilyParameter(
            "rho",
            CORRELATION,
            Role.SHAPE,
            "correlation of neighbours",
            default="uniform(-1, 1)",
        ),
        _scale("sigma", "standard deviation of an innovation", "halfnormal({scale} / 2)"),
    ),
    support=REAL,
    numpyro={},
    pymc={},
    mean=None,
    variance=None,
    doc=(
        "Stationary autoregression of order one along an ordered level, around 0. Its standard "
        "deviation is the same everywhere, `sigma / sqrt(1 - rho^2)`, at the first value too."
    ),
    density="x[t] = rho * x[t - 1] + step, step ~ normal(0, sigma), x[1] from stationarity",
    reference="Stan User's Guide, Autoregressive models (Stationarity)",
    elsewhere=("ar1", "autoregressive"),
    structure=Structure(
        Along.ORDERED,
        (_STANDARD,),
        formula("autoregression(rho, sigma * z, n)"),
        recursion=recursion(("0", "sigma / sqrt(1 - rho^2)"), ("rho * before", "sigma")),
    ),
)

ZEROSUM = Family(
    name="zerosum",
    parameters=(
        _scale("sigma", "standard deviation before the mean is taken off", "halfnormal({scale})"),
    ),
    support=REAL,
    numpyro={},
    pymc={},
    mean=None,
    variance=None,
    doc=(
        "Normal effects that sum to zero over the groups of a level; over a grid, along each of "
        "its levels. The distribution is that of PyMC's and NumPyro's `ZeroSumNormal`: with n "
        "groups each has variance `sigma^2 * (1 - 1 / n)`, each two covariance `-sigma^2 / n`."
    ),
    density="x[j] = e[j] - mean(e), e[j] ~ normal(0, sigma)",
    reference="PyMC `ZeroSumNormal`; Stan User's Guide, Sum-to-zero vectors",
    elsewhere=("zerosumnormal", "zero_sum_normal", "sum_to_zero"),
    structure=Structure(Along.EVERY, (_STANDARD,), formula("sigma * zero_sum(z)")),
)

HORSESHOE = Family(
    name="horseshoe",
    parameters=(
        _scale("scale", "scale of the overall shrinkage", "halfnormal({scale})"),
        FamilyParameter(
            "slab", POSITIVE, Role.SCALE, "scale of the coefficients that escape", otherwise=2.5
        ),
        FamilyParameter("df", POSITIVE, Role.SHAPE, "degrees of freedom of those", otherwise=4.0),
    ),
    support=REAL,
    numpyro={},
    pymc={},
    mean=None,
    variance=None,
    doc=(
        "Regularised horseshoe of many coefficients of which few matter: most are shrunk to about "
        "0, the others are as from `studentt(df, 0, slab)`. With about p of D coefficients that "
        "matter, `scale = p / (D - p) * sigma / sqrt(n)` for n rows with residual scale `sigma` "
        "and predictors of sd 1."
    ),
    density=(
        "x[j] = z[j] * w[j] / sqrt(1 + w[j]^2 / width), w[j] = overall * local[j], "
        "overall ~ halfcauchy(scale), local[j] ~ halfcauchy(1)"
    ),
    reference="Piironen and Vehtari (2017), Electronic Journal of Statistics 11(2), section 2.3",
    elsewhere=("regularized_horseshoe", "finnish_horseshoe", "hs"),
    structure=Structure(
        Along.EVERY,
        (
            draw("z", "normal", mu="0", sigma="1"),
            draw("local", "halfcauchy", sigma="1", doc="how far a coefficient escapes"),
            draw("overall", "halfcauchy", Over.ONE, "the overall shrinkage", sigma="scale"),
            draw(
                "width",
                "inversegamma",
                Over.ONE,
                "square of the slab's width",
                alpha="df / 2",
                beta="df / 2 * slab^2",
            ),
        ),
        formula("overall * local * z / sqrt(1 + (overall * local)^2 / width)"),
    ),
)

GP = Family(
    name="gp",
    parameters=(_COVARIATE, _AMPLITUDE, _LENGTH),
    support=REAL,
    numpyro={},
    pymc={},
    mean=None,
    variance=None,
    doc=(
        "Gaussian process: a smooth function of data that have one value per group of a level, "
        "with a squared exponential covariance. Exact; the time grows with the cube of the number "
        "of groups, so that from some hundreds on `hsgp` is the one to take."
    ),
    density="cov(f(x), f(u)) = alpha^2 * exp(-((x - u) / rho)^2 / 2)",
    reference="Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, eq. 4.9",
    elsewhere=("gaussian_process", "gaussianprocess"),
    structure=Structure(
        Along.DATA,
        (_STANDARD,),
        formula("alpha * gaussian_process(x, rho, z, n)"),
        paired=frozenset({"rho"}),
    ),
)

HSGP = Family(
    name="hsgp",
    parameters=(
        _COVARIATE,
        _AMPLITUDE,
        _LENGTH,
        _setting(
            "waves",
            Support(1.0, open_lower=False, discrete=True),
            "number of basis functions: the smaller `rho`, the more are needed",
            40.0,
        ),
        _setting(
            "boundary",
            Support(1.0),
            "half of the domain of the approximation, in half ranges of `x`",
            3.0,
        ),
    ),
    support=REAL,
    numpyro={},
    pymc={},
    mean=None,
    variance=None,
    doc=(
        "Gaussian process like `gp`, approximated by sine waves on a domain around the range of "
        "`x` in the training data, which is remembered for prediction. With `h` half the range the "
        "domain reaches `L = boundary * h` to both sides of its centre `c`. Good while `rho` is "
        "below `L / 3.2` and above `1.75 * L / waves`."
    ),
    density="f(x) = sum over j of sqrt(s(w[j])) * sin(w[j] * (x - c + L)) / sqrt(L) * z[j], "
    "w[j] = j * pi / (2 * L), s(w) = alpha^2 * sqrt(2 * pi) * rho * exp(-(rho * w)^2 / 2)",
    reference=(
        "Solin and Särkkä (2020), Hilbert space methods for reduced-rank Gaussian process "
        "regression; Riutort-Mayol et al. (2023), section 4"
    ),
    elsewhere=("hilbert_gp", "approximate_gp"),
    structure=Structure(
        Along.DATA,
        (draw("z", "normal", Over.WAVES, mu="0", sigma="1"),),
        formula("alpha * sum_of_waves(basis, frequency, rho, z)"),
    ),
)

DIRICHLET = Family(
    name="dirichlet",
    parameters=(
        FamilyParameter(
            "a",
            POSITIVE,
            Role.SHAPE,
            "concentration, one for all or one for each: the larger, the nearer to `a / sum(a)`",
            default="gamma(2, 1)",
        ),
    ),
    support=UNIT,
    numpyro={("a",): spelling("dist.Dirichlet", "{a}")},
    pymc={("a",): spelling("pm.Dirichlet", "a={a}")},
    mean=None,
    variance=None,
    doc="Shares of the members of a level or an axis: each above 0, together 1.",
    density="Gamma(sum(a)) * product over j of x[j]^(a[j] - 1) / Gamma(a[j])",
    reference="Stan Functions Reference, Dirichlet distribution",
    elsewhere=("simplex", "ddirch"),
    structure=Structure(Along.LAST),
)

STRUCTURES = (RANDOMWALK, AR, ZEROSUM, HORSESHOE, GP, HSGP, DIRICHLET)
"""The rows of this file, in the order of the language reference."""
