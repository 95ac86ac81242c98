"""The model of model.hdsl.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import re
from fnmatch import fnmatchcase

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
    "cor(theta)": ("X", "X_2"),
    "dev(theta)": ("store", "X"),
    "theta": ("store", "X"),
    "nu": ("N",),
    "women": ("store",),
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
    row = np.arange(1, len(column(rows, "w")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:10  theta[X] ~ store
    coords["store"], store_of_row = groups("store", labels(rows, "store"), learned)

    # model.hdsl:6  data X = [1, onehot(sex), kind = dummies(category, baseline = "b"), spline(w,
    #     3), columns("inc*")]

    # model.hdsl:4  data sex, category, sub, market : factor
    sex = labels(rows, "sex")
    onehot_sex, onehot_sex_members = onehot("sex", sex, learned)
    category = labels(rows, "category")
    dummies_category_baseline_b, dummies_category_baseline_b_members = dummies(
        "kind", category, "b", learned
    )

    # model.hdsl:3  data w : real
    w = numbers(rows, "w")
    spline_w_3, spline_w_3_members = spline("spline(w, 3)", w, 3, learned)
    columns_inc, columns_inc_members = matching("inc*", rows, learned)
    X = np.column_stack(
        [np.full(len(row), 1.0), onehot_sex, dummies_category_baseline_b, spline_w_3, columns_inc]
    )
    coords["X"] = [
        "1",
        *onehot_sex_members,
        *dummies_category_baseline_b_members,
        *spline_w_3_members,
        *columns_inc_members,
    ]
    coords["X_2"] = coords["X"]

    # model.hdsl:2  data c : count
    c = outcome(rows, "c", numbers, len(row), is_training)

    # model.hdsl:4  data sex, category, sub, market : factor
    sub = labels(rows, "sub")
    market = labels(rows, "market")

    # model.hdsl:5  data n : real
    n = numbers(rows, "n")

    # model.hdsl:7  data N = spread(n, sub, market)
    N, coords["N"] = spread("n", n, sub, learned, market)
    if is_training:
        observed("c", c)

    # Numbers that the training data teach
    sd_X = learn_each("sd(X)", sd, X, learned)
    mean_c = learn("mean(c)", np.nanmean, c, learned)
    mean_X = learn_each("mean(X)", np.nanmean, X, learned)
    X_sex_F = position(coords["X"], "X", "sex:F")
    X_sex_M = position(coords["X"], "X", "sex:M")

    return {
        "store_of_row": store_of_row,
        "sd_X": sd_X,
        "mean_c": mean_c,
        "mean_X": mean_X,
        "X": X,
        "N": N,
        "X_sex_F": X_sex_F,
        "X_sex_M": X_sex_M,
        "c": c,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """The model of model.hdsl."""
    n_X = len(data["coords"]["X"])
    n_N = len(data["coords"]["N"])
    n_store = len(data["coords"]["store"])
    n_row = len(data["coords"]["row"])
    sd_X = data["sd_X"]
    mean_c = data["mean_c"]
    mean_X = data["mean_X"]
    X = data["X"]
    store_of_row = data["store_of_row"]
    N = data["N"]
    X_sex_F = data["X_sex_F"]
    X_sex_M = data["X_sex_M"]
    c = data["c"]

    # model.hdsl:10  theta[X] ~ store
    # default prior of mean(theta): slope on `X`: 2.5 on the link scale per sd of the predictor; of
    #     a column of 1: that of an intercept
    with numpyro.plate("X", n_X):
        mean_theta = numpyro.sample(
            "mean(theta)",
            dist.Normal(
                jnp.where(sd_X > 0, 0, jnp.log(jnp.maximum(mean_c, 0.01))),
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
    cholesky_theta = numpyro.sample("cholesky(theta)", dist.LKJCholesky(n_X, 2))
    numpyro.deterministic("cor(theta)", cholesky_theta @ cholesky_theta.T)
    with numpyro.plate("store", n_store, dim=-2), numpyro.plate("X", n_X, dim=-1):
        z_theta = numpyro.sample("z(theta)", dist.Normal(0, 1))
    dev_theta = numpyro.deterministic("dev(theta)", sd_theta * (z_theta @ cholesky_theta.T))
    theta = numpyro.deterministic("theta", mean_theta + dev_theta)

    # model.hdsl:11  nu[N] ~ normal(0, 1)
    with numpyro.plate("N", n_N):
        nu = numpyro.sample("nu", dist.Normal(0, 1))

    # model.hdsl:9  log(mu) = X @ theta + N @ nu
    mu = jnp.exp((X * theta[store_of_row, :]).sum(axis=-1) + N @ nu)

    # model.hdsl:12  women = theta["sex:F"] - theta["sex:M"]
    numpyro.deterministic("women", theta[:, X_sex_F] - theta[:, X_sex_M])

    # model.hdsl:8  c ~ poisson(mu)
    with numpyro.plate("row", n_row):
        numpyro.sample("c", dist.Poisson(mu), obs=c)


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


def position(groups, level, label):
    """The number of the group that has a label."""
    if label not in groups:
        raise ValueError(f"level {level!r} has no group {label!r}")
    return groups.index(label)


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


def spline(name, x, df, learned):
    """A natural cubic spline in `df` columns, and their names.

    Knots at quantiles of the distinct values, straight beyond the outermost two (Hastie, Tibshirani
    and Friedman, The Elements of Statistical Learning, 2009, equation 5.4), turned so that in the
    training data the columns have mean 0 and sd 1 and are uncorrelated.
    """
    if name not in learned:
        distinct = np.unique(x)
        if len(distinct) <= df:
            raise ValueError(f"{name!r} needs more than {df} distinct values")
        learned[name] = {"knots": np.quantile(distinct, np.linspace(0, 1, df + 1)).tolist()}
    low, *_, high = learned[name]["knots"]
    at, knots = (x - low) / (high - low), (np.array(learned[name]["knots"]) - low) / (high - low)

    def beyond(knot):
        return (np.maximum(at - knot, 0) ** 3 - np.maximum(at - 1, 0) ** 3) / (1 - knot)

    basis = np.column_stack([at, *(beyond(knot) - beyond(knots[-2]) for knot in knots[: df - 1])])
    if "turn" not in learned[name]:
        centre = basis.mean(axis=0)
        upper = np.linalg.qr(basis - centre)[1]
        turn = np.linalg.inv(upper) * np.sign(np.diag(upper)) * np.sqrt(len(x) - 1)
        learned[name] |= {"centre": centre.tolist(), "turn": turn.tolist()}
    matrix = (basis - np.array(learned[name]["centre"])) @ np.array(learned[name]["turn"])
    return matrix, [f"{name}:{i + 1}" for i in range(df)]


def spread(name, values, owners, learned, *by):
    """A column for every owner with its value in the same place, and their names.

    Rows are in one place where all labels of `by` agree.
    """
    key = f"spread({name})"
    if key not in learned:
        learned[key] = sorted(set(owners.tolist()), key=natural)
    column_of = {owner: i for i, owner in enumerate(learned[key])}
    unseen = sorted(set(owners.tolist()) - set(column_of), key=natural)
    if unseen:
        raise ValueError(f"labels that the training data do not have: {unseen[:5]}")
    number = {}
    place = [number.setdefault(p, len(number)) for p in zip(*(labels.tolist() for labels in by))]
    owner = [column_of[label] for label in owners.tolist()]
    matrix = np.full((len(number), len(column_of)), np.nan)
    matrix[place, owner] = values
    if (matrix[place, owner] != values).any():
        raise ValueError(f"{name!r} of one of {learned[key][:5]} has several values in one place")
    if np.isnan(matrix).any():
        raise ValueError(f"{name!r} of one of {learned[key][:5]} is not known in every place")
    return matrix[place], [f"{name}:{label}" for label in column_of]


def matching(pattern, rows, learned):
    """The columns whose names match a pattern, side by side, and their names."""
    names = matched(pattern, learned, rows)
    return np.column_stack([numbers(rows, name) for name in names]), names


def matched(pattern, learned, *tables):
    """The names that match a pattern in the first table where some do, in natural order."""
    key = f"columns({pattern})"
    if key not in learned:
        found = [[name for name in table if fnmatchcase(name, pattern)] for table in tables]
        learned[key] = sorted(next((names for names in found if names), []), key=natural)
    if not learned[key]:
        raise ValueError(f"no column matches {pattern!r}")
    return learned[key]


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
