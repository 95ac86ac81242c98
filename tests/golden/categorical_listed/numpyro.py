"""The model of model.hdsl.

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
COORDS = {
    "choice_label": ["bus", "car", "train"],
}

# The levels over which a result varies.
DIMS = {
    "beta": ("choice_label",),
    "choice": ("row",),
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

    # model.hdsl:1  data choice : factor {foot, bus, car, train}
    choice = outcome(rows, "choice", labels, len(row), is_training)

    # model.hdsl:2  data x : real
    x = numbers(rows, "x")
    choice_code = coded(
        "choice", choice, learned, ["foot", "bus", "car", "train"], known=is_training
    )

    # Numbers that the training data teach
    mean_x = learn("mean(x)", np.nanmean, x, learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "mean_x": mean_x,
        "sd_x": sd_x,
        "x": x,
        "choice_code": choice_code,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_choice_label = len(data["coords"]["choice_label"])
    n_row = len(data["coords"]["row"])
    mean_x = data["mean_x"]
    sd_x = data["sd_x"]
    x = data["x"]
    choice_code = data["choice_code"]

    # model.hdsl:5  alpha, beta[choice] ~ 1
    # default prior of alpha: intercept: 0, 2.5 on the link scale, widened for predictors that are
    #     not centred
    alpha = numpyro.sample("alpha", dist.Normal(0, 2.5 + 2.5 * jnp.abs(mean_x) / sd_x))
    # default prior of beta: slope on `x`: 2.5 on the link scale per sd of the predictor
    with numpyro.plate("choice_label", n_choice_label):
        beta = numpyro.sample("beta", dist.Normal(0, 2.5 / sd_x))

    # model.hdsl:4  choice ~ categorical(logit_p = alpha + beta * x)
    logit_p = alpha + beta * x[:, None]
    with numpyro.plate("row", n_row):
        numpyro.sample("choice", dist.Categorical(logits=with_baseline(logit_p)), obs=choice_code)


def with_baseline(logits):
    """The log odds of all labels: those of the baseline, 0, stand first."""
    return jnp.concatenate([jnp.zeros_like(logits[..., :1]), logits], axis=-1)


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


def outcome(rows, name, read, size, is_training):
    """A column that may have empty cells, and that rows to predict need not have."""
    if name not in rows and not is_training:
        return np.full(size, np.nan)
    return read(rows, name, missing=True)
