"""Demand that is seen up to the stock.

Written by HDSL from model.hdsl, for PyMC:

    data = prepare(rows)
    with build(data):
        results = pm.sample()
"""

import re
from functools import partial

import numpy as np
import pymc as pm
import pytensor.tensor as pt

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "dev(alpha)": ("store",),
    "alpha": ("store",),
    "c": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "b")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:8  alpha ~ store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:3  data c : count
    c = outcome(rows, "c", numbers, len(row), is_training)

    # model.hdsl:4  data b, x : real
    b = numbers(rows, "b")
    x = numbers(rows, "x")

    # model.hdsl:5  data stock = c + b
    stock = c + b
    if is_training:
        observed("c", c)

    # Numbers that the training data teach
    mean_c = learn("mean(c)", np.nanmean, c, learned)
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "store_of_row": store_of_row,
        "mean_c": mean_c,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "x": x,
        "stock": stock,
        "c": c,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Demand that is seen up to the stock."""
    n_row = len(data["coords"]["row"])
    mean_c = data["mean_c"]
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    store_of_row = data["store_of_row"]
    x = data["x"]
    stock = data["stock"]
    c = data["c"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:6  c ~ censored(negbinomial(mu, phi), upper = stock)
        # default prior of phi: `phi` of `negbinomial`
        phi = pm.InverseGamma("phi", alpha=0.4, beta=0.3)

        # model.hdsl:8  alpha ~ store
        # default prior of mean(alpha): intercept: the outcome's mean, 2.5 on the link scale,
        #     widened for predictors that are not centred
        mean_alpha = pm.Normal(
            "mean(alpha)",
            mu=pt.log(pt.maximum(mean_c, 0.01)),
            sigma=2.5 + 2.5 * pt.abs(mean_x) / sd_x,
        )
        # default prior of sd(alpha): group sd: the scale of the intercept
        sd_alpha = pm.HalfNormal("sd(alpha)", sigma=2.5)
        z_alpha = pm.Normal("z(alpha)", mu=0, sigma=1, dims="store")
        dev_alpha = pm.Deterministic("dev(alpha)", sd_alpha * z_alpha, dims="store")
        alpha = pm.Deterministic("alpha", mean_alpha + dev_alpha, dims="store")

        # model.hdsl:9  beta ~ 1
        # default prior of beta: slope on `x`: 2.5 on the link scale per sd of the predictor
        beta = pm.Normal("beta", mu=0, sigma=2.5 / sd_x)

        # model.hdsl:7  log(mu) = alpha + beta * x
        log_mu = alpha[store_of_row] + beta * x

        # model.hdsl:6  c ~ censored(negbinomial(mu, phi), upper = stock)
        Censored(
            "c",
            pm.NegativeBinomial.dist(mu=pt.exp(log_mu), alpha=phi, shape=n_row),
            partial(negbinomial_tails, mu=pt.exp(log_mu), phi=phi),
            upper=stock,
            dims="row",
            observed=c,
        )
    return model


def negbinomial_tails(x, mu, phi):
    """Log probabilities of negbinomial(mu, phi): at or below x, and above x."""
    x, mu, phi = (pt.cast(v, "float64") for v in (x, mu, phi))
    below = log_beta_cdf(phi, x + 1, pt.log(phi) - pt.log(mu))
    above = log_beta_cdf(x + 1, phi, pt.log(mu) - pt.log(phi))
    return below, above


def log_area_below(t, f, slope, mode, sd, *parameters):
    """Log of the integral of exp(f(u, *parameters)) over u below t; f is concave.

    Gauss-Legendre on each side of the mode, out to where f has fallen by 40, the points denser near
    the mode by u = sinh: good to about 1e-8, in the far tails too. `slope` is f's derivative, `sd`
    the width of its peak.
    """
    points, weights = np.polynomial.legendre.leggauss(40)
    step = pt.minimum(1.0, sd)
    top = pt.minimum(t, mode)
    reach = [step * far for far in (1.0, 4.0, 16.0, 64.0)]
    left, right = reach[-1] + 1e9, reach[-1] + 1e9
    for far in reach:
        left = pt.minimum(left, far + 40.0 / slope(top - far, *parameters))
        right = pt.minimum(right, far - 40.0 / slope(mode + far, *parameters))
    right = pt.minimum(right, pt.switch(t > mode, t - mode, 1.0))
    pieces = []
    for start, sign, width in ((top, -1.0, left), (mode, 1.0, right)):
        stretch = pt.arcsinh(width / step)
        angle = stretch[..., None] * (0.5 * (points + 1.0))
        u = start[..., None] + sign * step[..., None] * pt.sinh(angle)
        scale = pt.log(step * stretch)[..., None] + pt.log(pt.cosh(angle))
        pieces.append(f(u, *(p[..., None] for p in parameters)) + scale + np.log(0.5 * weights))
    pieces[1] = pt.switch((t > mode)[..., None], pieces[1], -np.inf)
    return pt.logsumexp(pt.concatenate(pieces, axis=-1), axis=-1)


def log_beta_cdf(a, b, logit):
    """Log of the regularized incomplete beta function I_x(a, b), x by its log odds.

    1 where a is 0, 0 where b is 0. The integral is over the log odds, where it is log-concave.
    """
    a, b, logit = pt.broadcast_arrays(a, b, logit)
    p, q = pt.switch(a > 0.0, a, 1.0), pt.switch(b > 0.0, b, 1.0)
    area = log_area_below(
        pt.clip(logit, -700.0, 700.0),
        lambda u, p, q: -p * pt.softplus(-u) - q * pt.softplus(u),
        lambda u, p, q: p * pt.sigmoid(-u) - q * pt.sigmoid(u),
        pt.log(p) - pt.log(q),
        pt.sqrt(1.0 / p + 1.0 / q),
        p,
        q,
    )
    gammaln = pt.gammaln
    log_beta = gammaln(p) + gammaln(q) - gammaln(p + q)
    inside = pt.minimum(area - log_beta, 0.0)
    return pt.switch(b > 0.0, pt.switch(a > 0.0, inside, 0.0), -np.inf)


def Censored(name, base, tails, lower=None, upper=None, **options):
    """A distribution seen only inside bounds: a value at a bound lies at it or beyond.

    `tails(x)` gives the log probabilities of a value at or below x, and above x.
    """
    low = -np.inf if lower is None else pt.cast(lower, "float64")
    high = np.inf if upper is None else pt.cast(upper, "float64")
    below = 0.0 if lower is None else tails(pt.maximum(low, -1e15))[0]
    above = 0.0 if upper is None else tails(pt.minimum(high, 1e15) - step_of(base))[1]
    draw = pt.clip(base, low, high).astype(base.dtype)
    return derived(name, draw, censored_logp, base, low, high, below, above, **options)


def censored_logp(value, draw, base, low, high, below, above):
    """Log density inside the bounds, at a bound the log probability of all beyond it."""
    inside = pt.switch(value > low, pm.logp(base, value), below)
    return pt.switch(value < high, inside, above)


def derived(name, draw, logp, *parameters, **options):
    """A variable drawn as `draw`, with the log density logp(value, draw, *parameters)."""
    options |= {"logp": logp, "dist": lambda draw, *_: draw, "dtype": draw.dtype}
    if name is None:
        return pm.CustomDist.dist(draw, *parameters, **options)
    return pm.CustomDist(name, draw, *parameters, **options)


def step_of(base):
    """How far apart values lie: 1 for whole numbers, 0 for a continuous distribution."""
    return 1 if base.dtype.startswith("int") else 0


def column(table, name):
    """A column of a table."""
    if name not in table:
        raise ValueError(f"the data have no column {name!r}")
    return np.asarray(table[name])


def known(name, values):
    """Raises an error where values are missing."""
    empty = np.flatnonzero(values == "" if values.dtype.kind == "U" else np.isnan(values)) + 1
    if empty.size:
        raise ValueError(f"{name!r} is missing in {empty.size} rows: {empty[:5].tolist()}")


def observed(name, values):
    """Raises an error where an outcome is missing."""
    empty = np.flatnonzero(np.isnan(values)) + 1
    if empty.size:
        raise ValueError(
            f"the outcome {name!r} is missing in {empty.size} rows: {empty[:5].tolist()}; "
            "compile the model with --data, and they are left out and predicted"
        )


def numbers(table, name, missing=False):
    """A column as numbers; empty cells, where they may be, become nan."""
    values = column(table, name)
    try:
        values = values.astype(float)
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r} holds text where numbers are needed") from None
    if not missing:
        known(name, values)
    return values


def labels(table, name, missing=False):
    """A column as text; a whole number loses its `.0`."""
    values = column(table, name)
    if values.dtype.kind in "iu":
        return values.astype(str)
    if values.dtype.kind == "M":
        values = np.datetime_as_string(values, unit="auto")
    whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values.tolist()]
    texts = [
        "" if not isinstance(v, str) and str(v) in ("None", "nan", "NaT", "<NA>") else str(v)
        for v in whole
    ]
    if not missing:
        known(name, np.array(texts))
    return np.array(texts)


def natural(label):
    """A sort key that puts numbers in their order: `2` before `10`."""
    parts = re.split(r"(^-?\d+(?:\.\d+)?|\d+)", label)
    return [float(part) if i % 2 else part for i, part in enumerate(parts)]


def groups(level, names, learned):
    """The labels of a level's groups, new ones last, and the number of each row's group."""
    known = learned.get(level, [])
    learned[level] = [*known, *sorted(set(names.tolist()) - set(known), key=natural)]
    number = {label: i for i, label in enumerate(learned[level])}
    return learned[level], np.array([number[label] for label in names.tolist()])


def learn(name, summary, values, learned):
    """A number that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = float(summary(values))
    return learned[name]


def sd(values):
    """The standard deviation with divisor n - 1, of the values that are known."""
    return np.nanstd(values, ddof=1)


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
