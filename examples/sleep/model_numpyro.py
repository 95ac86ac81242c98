"""Reaction times under sleep deprivation.

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
    "dev(alpha)": ("subject",),
    "dev(beta)": ("subject",),
    "alpha": ("subject",),
    "beta": ("subject",),
    "reaction": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "day")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level subject
    coords["subject"], subject_of_row = groups("subject", labels(rows, "subject"), learned)

    # model.hdsl:4  data reaction : positive
    reaction = outcome(rows, "reaction", numbers, len(row), is_training)

    # model.hdsl:5  data day : real
    day = numbers(rows, "day")
    if is_training:
        observed("reaction", reaction)

    # Numbers that the training data teach
    sd_reaction = learn("sd(reaction)", sd, reaction, learned)
    mean_reaction = learn("mean(reaction)", np.nanmean, reaction, learned)
    mean_day = learn("mean(day)", np.nanmean, day, learned)
    sd_day = learn("sd(day)", sd, day, learned)

    return {
        "subject_of_row": subject_of_row,
        "sd_reaction": sd_reaction,
        "mean_reaction": mean_reaction,
        "mean_day": mean_day,
        "sd_day": sd_day,
        "day": day,
        "reaction": reaction,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """Reaction times under sleep deprivation."""
    n_subject = len(data["coords"]["subject"])
    n_row = len(data["coords"]["row"])
    sd_reaction = data["sd_reaction"]
    mean_reaction = data["mean_reaction"]
    mean_day = data["mean_day"]
    sd_day = data["sd_day"]
    subject_of_row = data["subject_of_row"]
    day = data["day"]
    reaction = data["reaction"]

    # model.hdsl:7  reaction ~ normal(alpha + beta * day, sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_reaction)))

    # model.hdsl:8  alpha, beta ~ subject
    # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome, widened
    #     for predictors that are not centred
    mean_alpha = numpyro.sample(
        "mean(alpha)",
        dist.Normal(
            mean_reaction, 2.5 * sd_reaction + 2.5 * sd_reaction * jnp.abs(mean_day) / sd_day
        ),
    )
    # default prior of sd(alpha): group sd: the scale of the intercept
    sd_alpha = numpyro.sample("sd(alpha)", dist.HalfNormal(2.5 * sd_reaction))
    # default prior of mean(beta): slope on `day`: 2.5 sds of the outcome per sd of the predictor
    mean_beta = numpyro.sample("mean(beta)", dist.Normal(0, 2.5 * sd_reaction / sd_day))
    # default prior of sd(beta): group sd: the scale of the slope on `day`
    sd_beta = numpyro.sample("sd(beta)", dist.HalfNormal(2.5 * sd_reaction / sd_day))
    # default prior of cor(alpha, beta): correlations: lkj(2)
    cor_alpha_beta_unit = numpyro.sample("cor(alpha, beta) unit", dist.Beta(2, 2))
    cor_alpha_beta = numpyro.deterministic("cor(alpha, beta)", 2 * cor_alpha_beta_unit - 1)
    with numpyro.plate("subject", n_subject):
        z_alpha = numpyro.sample("z(alpha)", dist.Normal(0, 1))
        z_beta = numpyro.sample("z(beta)", dist.Normal(0, 1))
    dev_alpha = numpyro.deterministic("dev(alpha)", sd_alpha * z_alpha)
    dev_beta = numpyro.deterministic(
        "dev(beta)", sd_beta * (cor_alpha_beta * z_alpha + jnp.sqrt(1 - cor_alpha_beta**2) * z_beta)
    )
    alpha = numpyro.deterministic("alpha", mean_alpha + dev_alpha)
    beta = numpyro.deterministic("beta", mean_beta + dev_beta)

    # model.hdsl:7  reaction ~ normal(alpha + beta * day, sigma)
    mu = alpha[subject_of_row] + beta[subject_of_row] * day
    with numpyro.plate("row", n_row):
        numpyro.sample("reaction", dist.Normal(mu, sigma), obs=reaction)


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
