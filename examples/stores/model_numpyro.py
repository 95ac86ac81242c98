"""Daily sales of a thousand stores.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import re

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {}

# The levels over which a result varies.
DIMS = {
    "mean(theta)": ("X",),
    "sd(theta)": ("X",),
    "dev(theta)": ("store", "X"),
    "theta": ("store", "X"),
    "dev(log(phi))": ("store",),
    "phi": ("store",),
    "demand": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "sales")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:4  data sales : count
    sales = outcome(rows, "sales", numbers, len(row), is_training)

    # model.hdsl:5  data open, promo, school_holiday, payday, advent : binary
    open_ = outcome(rows, "open", flags, len(row), is_training)
    promo = flags(rows, "promo")
    school_holiday = flags(rows, "school_holiday")
    payday = flags(rows, "payday")
    advent = flags(rows, "advent")

    # model.hdsl:6  data trend : real
    trend = numbers(rows, "trend")

    # model.hdsl:7  data weekday, month : factor
    weekday = labels(rows, "weekday")
    month = labels(rows, "month")

    # model.hdsl:8  data demand = where(open == 1, sales, missing)
    demand = np.where(open_ == 1, sales, np.nan)

    # model.hdsl:9  data X = [1, trend, promo, school_holiday, payday, advent, dummies(weekday,
    #     baseline = "Mon"), dummies(month)]
    dummies_weekday_baseline_Mon, dummies_weekday_baseline_Mon_members = dummies(
        "weekday", weekday, "Mon", learned
    )
    dummies_month, dummies_month_members = dummies("month", month, None, learned)
    X = np.column_stack(
        [
            np.full(len(row), 1.0),
            trend,
            promo,
            school_holiday,
            payday,
            advent,
            dummies_weekday_baseline_Mon,
            dummies_month,
        ]
    )
    coords["X"] = [
        "1",
        "trend",
        "promo",
        "school_holiday",
        "payday",
        "advent",
        *dummies_weekday_baseline_Mon_members,
        *dummies_month_members,
    ]
    demand_seen = np.flatnonzero(~np.isnan(demand))

    # Numbers that the training data teach
    sd_X = learn_each("sd(X)", sd, X, learned)
    mean_demand = learn("mean(demand)", np.nanmean, demand, learned)
    mean_X = learn_each("mean(X)", np.nanmean, X, learned)

    return {
        "store_of_row": store_of_row,
        "sd_X": sd_X,
        "mean_demand": mean_demand,
        "mean_X": mean_X,
        "X": X,
        "demand_seen": demand_seen,
        "demand": demand[demand_seen],
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """Daily sales of a thousand stores."""
    n_store = len(data["coords"]["store"])
    n_X = len(data["coords"]["X"])
    sd_X = data["sd_X"]
    mean_demand = data["mean_demand"]
    mean_X = data["mean_X"]
    X = data["X"]
    store_of_row = data["store_of_row"]
    demand_seen = data["demand_seen"]
    demand = data["demand"]

    # model.hdsl:22  theta[X] ~ store
    # default prior of mean(theta): slope on `X`: 2.5 on the link scale per sd of the predictor; of
    #     a column of 1: that of an intercept
    with numpyro.plate("X", n_X):
        mean_theta = numpyro.sample(
            "mean(theta)",
            dist.Normal(
                jnp.where(sd_X > 0, 0, jnp.log(jnp.maximum(mean_demand, 0.01))),
                jnp.where(
                    sd_X > 0,
                    2.5 / jnp.where(sd_X > 0, sd_X, 1),
                    2.5
                    * jnp.sqrt(
                        (mean_X / jnp.where(sd_X > 0, sd_X, 1))
                        @ (mean_X / jnp.where(sd_X > 0, sd_X, 1))
                    ),
                ),
            ),
        )
        # default prior of sd(theta): group sd: the scale of the slope on `X`
        sd_theta = numpyro.sample("sd(theta)", dist.HalfNormal(2.5 / jnp.where(sd_X > 0, sd_X, 1)))
    with numpyro.plate("store", n_store, dim=-2), numpyro.plate("X", n_X, dim=-1):
        z_theta = numpyro.sample("z(theta)", dist.Normal(0, 1))
    dev_theta = numpyro.deterministic("dev(theta)", sd_theta * z_theta)
    theta = numpyro.deterministic("theta", mean_theta + dev_theta)

    # model.hdsl:21  log(mu) = X @ theta
    log_mu = (X * theta[store_of_row, :]).sum(axis=-1)

    # model.hdsl:23  log(phi) ~ store
    # default prior of mean(log(phi)): log shape
    mean_log_phi = numpyro.sample("mean(log(phi))", dist.Normal(0, 2.5))
    # default prior of sd(log(phi)): group sd: the scale of the log shape
    sd_log_phi = numpyro.sample("sd(log(phi))", dist.HalfNormal(1))
    with numpyro.plate("store", n_store):
        z_log_phi = numpyro.sample("z(log(phi))", dist.Normal(0, 1))
    dev_log_phi = numpyro.deterministic("dev(log(phi))", sd_log_phi * z_log_phi)
    log_phi = mean_log_phi + dev_log_phi
    numpyro.deterministic("phi", jnp.exp(log_phi))

    # model.hdsl:20  demand ~ negbinomial(mu, phi)
    with numpyro.plate("demand seen", len(demand_seen)):
        numpyro.sample(
            "demand",
            dist.NegativeBinomialLogits(
                jnp.exp(log_phi[store_of_row][demand_seen]),
                log_mu[demand_seen] - log_phi[store_of_row][demand_seen],
            ),
            obs=demand,
        )


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


def onehot(name, values, learned, order=()):
    """A column of 0 and 1 for every label that the training data have, and their names."""
    key, present = f"onehot({name})", np.flatnonzero(values != "")
    found = set(values[present].tolist())
    if key not in learned:
        learned[key] = [label for label in order if label in found] or sorted(found, key=natural)
    place = {label: i for i, label in enumerate(learned[key])}
    unseen = sorted(found - set(place), key=natural)
    if unseen:
        raise ValueError(f"labels of {name!r} that the training data do not have: {unseen[:5]}")
    matrix = np.zeros((len(values), len(place)))
    matrix[present, [place[label] for label in values[present].tolist()]] = 1.0
    return matrix, [f"{name}:{label}" for label in place]


def dummies(name, values, baseline, learned, order=()):
    """A column of 0 and 1 for every label but the baseline (None: the first), and their names."""
    matrix, names = onehot(name, values, learned, order)
    left_out = names[0] if baseline is None else f"{name}:{baseline}"
    if left_out not in names:
        raise ValueError(f"no row has the baseline {baseline!r} of {name!r}")
    kept = [i for i, label in enumerate(names) if label != left_out]
    return matrix[:, kept], [names[i] for i in kept]


def learn(name, summary, values, learned):
    """A number that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = float(summary(values))
    return learned[name]


def learn_each(name, summary, matrix, learned):
    """A number per column that the training data teach: computed once, then remembered."""
    if name not in learned:
        learned[name] = [float(summary(values)) for values in matrix.T]
    return np.array(learned[name])


def sd(values):
    """The standard deviation with divisor n - 1, of the values that are known."""
    return np.nanstd(values, ddof=1)


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
