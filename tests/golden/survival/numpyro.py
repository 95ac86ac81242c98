"""Survival times, some known only to be longer.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import re
from functools import partial

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "dev(alpha)": ("market",),
    "alpha": ("market",),
    "w": ("row",),
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

    # model.hdsl:9  alpha ~ market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:3  data w : positive
    w = outcome(rows, "w", numbers, len(row), is_training)

    # model.hdsl:4  data b : binary
    b = flags(rows, "b")

    # model.hdsl:5  data x : real
    x = numbers(rows, "x")

    # model.hdsl:7  data n : count
    n = numbers(rows, "n")
    if is_training:
        observed("w", w)

    # Numbers that the training data teach
    sd_w = learn("sd(w)", sd, w, learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "market_of_row": market_of_row,
        "sd_w": sd_w,
        "sd_x": sd_x,
        "x": x,
        "n": n,
        "b": b,
        "w": w,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """Survival times, some known only to be longer."""
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    sd_w = data["sd_w"]
    sd_x = data["sd_x"]
    market_of_row = data["market_of_row"]
    x = data["x"]
    n = data["n"]
    b = data["b"]
    w = data["w"]

    # model.hdsl:6  w ~ weighted(censored(weibull(shape, scale), event = b), n)
    # default prior of shape: `alpha` of `weibull`
    shape = numpyro.sample("shape", dist.LogNormal(0, 1))

    # model.hdsl:9  alpha ~ market
    # default prior of mean(alpha): log residual scale
    mean_alpha = numpyro.sample("mean(alpha)", dist.Normal(jnp.log(sd_w), 1))
    # default prior of sd(alpha): group sd: the scale of the log residual scale
    sd_alpha = numpyro.sample("sd(alpha)", dist.HalfNormal(1))
    with numpyro.plate("market", n_market):
        z_alpha = numpyro.sample("z(alpha)", dist.Normal(0, 1))
    dev_alpha = numpyro.deterministic("dev(alpha)", sd_alpha * z_alpha)
    alpha = numpyro.deterministic("alpha", mean_alpha + dev_alpha)

    # model.hdsl:10  beta ~ 1
    # default prior of beta: slope on `x`: 2.5 on the link scale per sd of the predictor
    beta = numpyro.sample("beta", dist.Normal(0, 1 / sd_x))

    # model.hdsl:8  log(scale) = alpha + beta * x
    scale = jnp.exp(alpha[market_of_row] + beta * x)

    # model.hdsl:6  w ~ weighted(censored(weibull(shape, scale), event = b), n)
    with numpyro.plate("row", n_row):
        numpyro.sample(
            "w",
            Weighted(
                CensoredByEvent(
                    dist.Weibull(scale=scale, concentration=shape),
                    partial(weibull_tails, alpha=shape, sigma=scale),
                    b,
                ),
                n,
            ),
            obs=w,
        )


def weibull_tails(x, alpha, sigma):
    """Log probabilities of weibull(alpha, sigma): at or below x, and above x."""
    below = log1mexp(-((jnp.maximum(x, 1e-300) / sigma) ** alpha))
    above = -((jnp.maximum(x, 1e-300) / sigma) ** alpha)
    return below, above


def log1mexp(x):
    """log(1 - exp(x)) of a negative x, accurate near 0 and far from it."""
    near = x > -0.7
    small = jnp.log(-jnp.expm1(jnp.where(near, jnp.minimum(x, -1e-300), -1.0)))
    return jnp.where(near, small, jnp.log1p(-jnp.exp(jnp.where(near, -1.0, x))))


class CensoredByEvent(dist.Distribution):
    """A distribution of which some values, where `event` is 0, are known only to lie above.

    `tails(x)` gives the log probabilities of a value at or below x, and above x. Samples are
    the values themselves, whatever would have been known of them.
    """

    def __init__(self, base, tails, event, *, validate_args=None):
        self.base, self.tails, self.event = base, tails, event
        shape = jnp.broadcast_shapes(base.batch_shape, jnp.shape(event))
        super().__init__(batch_shape=shape, validate_args=validate_args)

    @property
    def support(self):
        return self.base.support

    def log_prob(self, value):
        return jnp.where(self.event == 0, self.tails(value)[1], self.base.log_prob(value))

    def sample(self, key, sample_shape=()):
        return self.base.expand(self.batch_shape).sample(key, sample_shape)


class Weighted(dist.Distribution):
    """A distribution whose log density counts `weights` times; samples do not know of it."""

    def __init__(self, base, weights, *, validate_args=None):
        self.base, self.weights = base, weights
        shape = jnp.broadcast_shapes(base.batch_shape, jnp.shape(weights))
        super().__init__(batch_shape=shape, validate_args=validate_args)

    @property
    def support(self):
        return self.base.support

    def log_prob(self, value):
        return self.weights * self.base.log_prob(value)

    def sample(self, key, sample_shape=()):
        return self.base.expand(self.batch_shape).sample(key, sample_shape)


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


def flags(table, name, missing=False):
    """A column of 0 and 1, or of false and true, as numbers."""
    meaning = {"0": 0.0, "false": 0.0, "1": 1.0, "true": 1.0}
    texts = [text.lower() for text in labels(table, name, missing)]
    wrong = sorted(set(texts) - set(meaning) - {""})
    if wrong:
        raise ValueError(f"column {name!r} is not 0 and 1, nor false and true: {wrong[:5]}")
    return np.array([meaning.get(text, np.nan) for text in texts])


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
