"""The model of model.hdsl.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {
    "cut_of_rating": ["low|mid", "mid|high"],
}

# The levels over which a result varies.
DIMS = {
    "cut(rating)": ("cut_of_rating",),
    "dev(alpha)": ("market",),
    "alpha": ("market",),
    "cut(stars)": ("cut_of_stars",),
    "rating": ("row",),
    "stars": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "x")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:7  alpha ~ 0 + market
    coords["market"], market_of_row = groups("market", labels(rows, "market"), learned)

    # model.hdsl:2  data stars : count
    stars = outcome(rows, "stars", numbers, len(row), is_training)
    stars_code = coded("stars", stars, learned, known=is_training)
    coords["cut_of_stars"] = between(learned["categories of stars"])

    # model.hdsl:1  data rating : ordered {low, mid, high}
    rating = outcome(rows, "rating", labels, len(row), is_training)

    # model.hdsl:3  data x, w : real
    x = numbers(rows, "x")
    w = numbers(rows, "w")
    rating_code = coded("rating", rating, learned, ["low", "mid", "high"], known=is_training)

    # Numbers that the training data teach
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)
    sd_w = learn("sd(w)", sd, w, learned)
    cut_of_stars_4_5 = position(coords["cut_of_stars"], "cut_of_stars", "4|5")
    cut_of_stars_1_2 = position(coords["cut_of_stars"], "cut_of_stars", "1|2")

    return {
        "market_of_row": market_of_row,
        "mean_x": mean_x,
        "sd_x": sd_x,
        "sd_w": sd_w,
        "cut_of_stars_4_5": cut_of_stars_4_5,
        "cut_of_stars_1_2": cut_of_stars_1_2,
        "x": x,
        "rating_code": rating_code,
        "w": w,
        "stars_code": stars_code,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_cut_of_rating = len(data["coords"]["cut_of_rating"])
    n_cut_of_stars = len(data["coords"]["cut_of_stars"])
    n_market = len(data["coords"]["market"])
    n_row = len(data["coords"]["row"])
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    sd_w = data["sd_w"]
    cut_of_stars_4_5 = data["cut_of_stars_4_5"]
    cut_of_stars_1_2 = data["cut_of_stars_1_2"]
    market_of_row = data["market_of_row"]
    x = data["x"]
    rating_code = data["rating_code"]
    w = data["w"]
    stars_code = data["stars_code"]

    # model.hdsl:5  rating ~ orderedlogistic(alpha + beta * x)
    # default prior of cut(rating): cut points: each 2.5 around 0, in increasing order, widened as
    #     an intercept would be
    cut_rating = numpyro.sample(
        "cut(rating)",
        Increasing(dist.Normal(0, 2.5 + 2.5 * jnp.abs(mean_x) / sd_x), n_cut_of_rating),
    )

    # model.hdsl:7  alpha ~ 0 + market
    # default prior of sd(alpha): group sd: the scale of the intercept
    sd_alpha = numpyro.sample("sd(alpha)", dist.HalfNormal(2.5))
    with numpyro.plate("market", n_market):
        z_alpha = numpyro.sample("z(alpha)", dist.Normal(0, 1))
    dev_alpha = numpyro.deterministic("dev(alpha)", sd_alpha * z_alpha)
    alpha = numpyro.deterministic("alpha", dev_alpha)

    # model.hdsl:8  beta, gamma ~ 1
    # default prior of beta: slope on `x`: 2.5 on the link scale per sd of the predictor
    beta = numpyro.sample("beta", dist.Normal(0, 2.5 / sd_x))
    # default prior of gamma: slope on `w`: 2.5 on the link scale per sd of the predictor
    gamma = numpyro.sample("gamma", dist.Normal(0, 2.5 / sd_w))

    # model.hdsl:9  cut(stars) ~ normal(0, 3)
    cut_stars = numpyro.sample("cut(stars)", Increasing(dist.Normal(0, 3), n_cut_of_stars))

    # model.hdsl:10  gap = cut(stars["4|5"]) - cut(stars["1|2"])
    numpyro.deterministic("gap", cut_stars[cut_of_stars_4_5] - cut_stars[cut_of_stars_1_2])

    # model.hdsl:5  rating ~ orderedlogistic(alpha + beta * x)
    eta = alpha[market_of_row] + beta * x
    with numpyro.plate("row", n_row):
        numpyro.sample("rating", OrderedLogistic(eta, cut_rating), obs=rating_code)

    # model.hdsl:6  stars ~ orderedlogistic(gamma * w)
    eta_ = gamma * w
    with numpyro.plate("row", n_row):
        numpyro.sample("stars", OrderedLogistic(eta_, cut_stars), obs=stars_code)


class Increasing(dist.Distribution):
    """Values in increasing order, each with the density of one distribution."""

    support = dist.constraints.ordered_vector
    pytree_data_fields = ("each",)

    def __init__(self, each, size, *, validate_args=None):
        shape = each.batch_shape[:-1]
        self.each = each.expand((*shape, size))
        super().__init__(shape, (size,), validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        return jnp.sort(self.each.sample(key, sample_shape), axis=-1)

    def log_prob(self, value):
        return self.each.log_prob(value).sum(axis=-1)


class OrderedLogistic(dist.Distribution):
    """Labels in order, from 0: P(x <= k) = expit(cut[k] - eta), accurate in both tails."""

    support = dist.constraints.nonnegative_integer
    pytree_data_fields = ("eta", "cut")

    def __init__(self, eta, cut, *, validate_args=None):
        self.eta, self.cut = eta, cut
        super().__init__(batch_shape=jnp.shape(eta), validate_args=validate_args)

    def sample(self, key, sample_shape=()):
        shape = (*sample_shape, *self.batch_shape)
        latent = self.eta + jax.random.logistic(key, shape)
        return jnp.sum(latent[..., None] > self.cut, axis=-1)

    def log_prob(self, value):
        ends = jnp.concatenate([jnp.array([-jnp.inf]), self.cut, jnp.array([jnp.inf])])
        lower, upper = ends[value] - self.eta, ends[value + 1] - self.eta
        inside = jnp.log1p(-jnp.exp(lower - upper))
        return jax.nn.log_sigmoid(upper) + jax.nn.log_sigmoid(-lower) + inside


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


def position(groups, level, label):
    """The number of the group that has a label."""
    if label not in groups:
        raise ValueError(f"level {level!r} has no group {label!r}")
    return groups.index(label)


def learn(name, summary, values, learned):
    """A number that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = float(summary(values))
    return learned[name]


def sd(values):
    """The standard deviation with divisor n - 1, of the values that are known."""
    return np.nanstd(values, ddof=1)


def coded(name, values, learned, labels=None, first=None, known=False):
    """The place of each label among the outcome's labels, from 0; -1 where it is missing."""
    if values.dtype.kind == "f":
        values = np.array(["" if np.isnan(value) else f"{value:g}" for value in values])
    key = f"categories of {name}"
    if key not in learned:
        found = labels or sorted(set(values.tolist()) - {""}, key=natural)
        learned[key] = sorted(found, key=lambda label: label != first) if first else found
    place = {"": -1} | {label: i for i, label in enumerate(learned[key])}
    strange = sorted(set(values.tolist()) - set(place))
    if strange:
        raise ValueError(f"{name!r} has labels that are not among {learned[key]}: {strange[:5]}")
    codes = np.array([place[value] for value in values.tolist()])
    if known and (codes < 0).any():
        raise ValueError(
            f"the outcome {name!r} is missing in {(codes < 0).sum()} rows; "
            "compile the model with --data, and they are left out and predicted"
        )
    return codes


def between(labels):
    """What the cut points between labels are called: `low|mid`."""
    return [f"{label}|{labels[i + 1]}" for i, label in enumerate(labels[:-1])]


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
