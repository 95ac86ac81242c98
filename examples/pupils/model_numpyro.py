"""Test scores: pupils in classes in schools.

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
    "dev(alpha, school)": ("school",),
    "dev(alpha, class)": ("class",),
    "alpha[school]": ("school",),
    "alpha": ("class",),
    "score": ("row",),
}


def prepare(rows, tables=None, learned=None):
    """The data as the model reads them.

    `rows["column"]` is a column of the data, `tables["level"]["column"]` one of a level's table.
    `learned` is that entry of an earlier result: new rows then keep the groups, means and sds of
    the training data, and their outcomes may be unknown.
    """
    is_training = learned is None
    tables, learned = tables or {}, dict(learned or {})
    row = np.arange(1, len(column(rows, "hours")) + 1)
    coords = {**COORDS, "row": row}

    # model.hdsl:3  level class in school
    coords["school"], school_of_row = groups(
        "school", looked_up(rows, "school", tables, ("class", "class")), learned
    )
    coords["class"], class_of_row = groups(
        "class",
        nested("class", labels(rows, "class"), learned, np.array(coords["school"])[school_of_row]),
        learned,
    )
    school_of_class = group_of_each("school of class", school_of_row, class_of_row, learned)

    # model.hdsl:4  data score : real
    score = outcome(rows, "score", numbers, len(row), is_training)

    # model.hdsl:5  data hours : real
    hours = numbers(rows, "hours")

    # model.hdsl:6  data size : count per class
    size = per_level(
        "class", "size", numbers, rows, tables, ["school", "class"], coords["class"], class_of_row
    )

    # model.hdsl:7  data budget : real per school
    budget = per_level(
        "school", "budget", numbers, rows, tables, ["school"], coords["school"], school_of_row
    )

    # model.hdsl:10  alpha ~ school / class | center(size), center(budget)
    mean_size = learn("mean(size)", np.nanmean, size, learned)
    center_size = size - mean_size
    mean_budget = learn("mean(budget)", np.nanmean, budget, learned)
    center_budget = budget - mean_budget
    if is_training:
        observed("score", score)

    # Numbers that the training data teach
    sd_score = learn("sd(score)", sd, score, learned)
    mean_score = learn("mean(score)", np.nanmean, score, learned)
    mean_hours = learn("mean(hours)", np.nanmean, hours, learned)
    sd_hours = learn("sd(hours)", sd, hours, learned)
    sd_center_size = learn("sd(center(size))", sd, center_size, learned)
    sd_center_budget = learn("sd(center(budget))", sd, center_budget, learned)

    return {
        "school_of_row": school_of_row,
        "class_of_row": class_of_row,
        "sd_score": sd_score,
        "mean_score": mean_score,
        "mean_hours": mean_hours,
        "sd_hours": sd_hours,
        "sd_center_size": sd_center_size,
        "sd_center_budget": sd_center_budget,
        "center_budget": center_budget,
        "school_of_class": school_of_class,
        "center_size": center_size,
        "hours": hours,
        "score": score,
        "coords": coords,
        "learned": learned,
    }


def model(data):
    """Test scores: pupils in classes in schools."""
    n_school = len(data["coords"]["school"])
    n_class = len(data["coords"]["class"])
    n_row = len(data["coords"]["row"])
    sd_score = data["sd_score"]
    mean_score = data["mean_score"]
    mean_hours = data["mean_hours"]
    sd_hours = data["sd_hours"]
    sd_center_size = data["sd_center_size"]
    sd_center_budget = data["sd_center_budget"]
    center_budget = data["center_budget"]
    school_of_class = data["school_of_class"]
    center_size = data["center_size"]
    class_of_row = data["class_of_row"]
    hours = data["hours"]
    score = data["score"]

    # model.hdsl:9  score ~ normal(alpha + beta * hours, sigma)
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_score)))

    # model.hdsl:10  alpha ~ school / class | center(size), center(budget)
    # default prior of mean(alpha): intercept: the outcome's mean, 2.5 sds of the outcome, widened
    #     for predictors that are not centred
    mean_alpha = numpyro.sample(
        "mean(alpha)",
        dist.Normal(mean_score, 2.5 * sd_score + 2.5 * sd_score * jnp.abs(mean_hours) / sd_hours),
    )
    # default prior of sd(alpha, school): group sd: the scale of the intercept
    sd_alpha_school = numpyro.sample("sd(alpha, school)", dist.HalfNormal(2.5 * sd_score))
    # default prior of sd(alpha, class): group sd: the scale of the intercept
    sd_alpha_class = numpyro.sample("sd(alpha, class)", dist.HalfNormal(2.5 * sd_score))
    # default prior of slope(alpha, center(size)): group-level slope: the scale of `alpha` over the
    #     predictor's sd
    slope_alpha_center_size = numpyro.sample(
        "slope(alpha, center(size))", dist.Normal(0, 2.5 * sd_score / sd_center_size)
    )
    # default prior of slope(alpha, center(budget)): group-level slope: the scale of `alpha` over
    #     the predictor's sd
    slope_alpha_center_budget = numpyro.sample(
        "slope(alpha, center(budget))", dist.Normal(0, 2.5 * sd_score / sd_center_budget)
    )
    with numpyro.plate("school", n_school):
        z_alpha_school = numpyro.sample("z(alpha, school)", dist.Normal(0, 1))
    dev_alpha_school = numpyro.deterministic("dev(alpha, school)", sd_alpha_school * z_alpha_school)
    with numpyro.plate("class", n_class):
        z_alpha_class = numpyro.sample("z(alpha, class)", dist.Normal(0, 1))
    dev_alpha_class = numpyro.deterministic("dev(alpha, class)", sd_alpha_class * z_alpha_class)
    alpha_school = numpyro.deterministic(
        "alpha[school]", mean_alpha + slope_alpha_center_budget * center_budget + dev_alpha_school
    )
    alpha = numpyro.deterministic(
        "alpha",
        alpha_school[school_of_class] + slope_alpha_center_size * center_size + dev_alpha_class,
    )

    # model.hdsl:11  beta ~ 1
    # default prior of beta: slope on `hours`: 2.5 sds of the outcome per sd of the predictor
    beta = numpyro.sample("beta", dist.Normal(0, 2.5 * sd_score / sd_hours))

    # model.hdsl:9  score ~ normal(alpha + beta * hours, sigma)
    mu = alpha[class_of_row] + beta * hours
    with numpyro.plate("row", n_row):
        numpyro.sample("score", dist.Normal(mu, sigma), obs=score)


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


def nested(level, names, learned, *parents):
    """Labels of groups inside others: their own where unique, else `parent:child`."""
    inside = np.array([":".join(path) for path in zip(*parents, names)])
    own, counts = np.unique(names[np.unique(inside, return_index=True)[1]], return_counts=True)
    repeated = np.setdiff1d(own[counts > 1], learned.get(level, []))
    alone = learned.setdefault(f"{level} by label alone", not repeated.size)
    return np.where(np.isin(names, repeated), inside, names) if alone else inside


def group_of_each(name, coarse, fine, learned):
    """For every group of a finer level, the number of its group of a coarser one."""
    known = learned.get(name, [])
    present, first = np.unique(fine, return_index=True)
    new = first[present >= len(known)]
    found = np.array([*known, *coarse[new].tolist()], dtype=int)
    learned[name] = found.tolist()
    strays = np.flatnonzero(found[fine] != coarse) + 1
    if strays.size:
        raise ValueError(f"{name} is not as in the training data in rows {strays[:5].tolist()}")
    return found


def per_group(name, values, group_of_row, size):
    """The one value of each group, from the rows; nan for a group without rows."""
    present, first = np.unique(group_of_row, return_index=True)
    found = np.full(size, "" if values.dtype.kind == "U" else np.nan, dtype=values.dtype)
    found[present] = values[first]
    own = found[group_of_row]
    differs = own != values
    if values.dtype.kind == "f":
        differs &= ~(np.isnan(own) & np.isnan(values))
    varies = np.flatnonzero(differs) + 1
    if varies.size:
        raise ValueError(f"{name!r} varies inside a group: rows {varies[:5].tolist()}")
    return found


def from_table(level, values, table, columns, groups):
    """The value of each group, from the level's table; `columns` hold its label, own last."""
    paths = [labels(table, name) for name in columns if name in table]
    if not paths:
        raise ValueError(f"the table of {level!r} has no column {columns[-1]!r}")
    row = {}
    for depth in range(1, len(paths) + 1):
        for i, path in enumerate(zip(*paths[-depth:])):
            text = ":".join(path)
            row[text] = i if text not in row else None
    absent = [group for group in groups if row.get(group) is None]
    if absent:
        raise ValueError(f"the table of {level!r} has no one row for {absent[:5]}")
    return values[[row[group] for group in groups]]


def per_level(level, name, read, rows, tables, columns, groups, group_of_row, missing=False):
    """A column with one value per group: from the level's table if that has it, or the rows."""
    table = tables.get(level, {})
    if name not in table:
        return per_group(name, read(rows, name, missing), group_of_row, len(groups))
    values = from_table(level, read(table, name, missing=True), table, columns, groups)
    if not missing:
        known(name, values)
    return values


def looked_up(rows, name, tables, *keys):
    """A column of labels, from the rows or from the table of a level inside."""
    if name in rows:
        return labels(rows, name)
    for level, key in keys:
        if level in tables and name in tables[level]:
            found = dict(zip(labels(tables[level], key), labels(tables[level], name)))
            own = looked_up(rows, key, tables, *keys)
            absent = sorted(set(own) - set(found))
            if absent:
                raise ValueError(f"the table of {level!r} has no row for {absent[:5]}")
            return np.array([found[label] for label in own])
    raise ValueError(f"the data have no column {name!r}")


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
