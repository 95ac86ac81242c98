"""Components that are members of a level.

Written by HDSL from model.hdsl, for PyMC:

    data = prepare(rows)
    with build(data):
        results = pm.sample()
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

# Labels that the model writes out; all others are in `prepare(rows)["coords"]`.
COORDS = {
    "component": ["low", "middle", "high"],
}

# The levels over which a result varies.
DIMS = {
    "weight": ("component",),
    "share": ("component",),
    "centre": ("component",),
    "y": ("row",),
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
    free_weight = np.full(len(coords["component"]), True)
    free_weight[0] = False
    component_of_free_weight = np.flatnonzero(free_weight)

    # model.hdsl:4  data y, x : real
    y = outcome(rows, "y", numbers, len(row), is_training)
    x = numbers(rows, "x")
    if is_training:
        observed("y", y)

    # Numbers that the training data teach
    sd_y = learn("sd(y)", sd, y, learned)
    sd_x = learn("sd(x)", sd, x, learned)

    return {
        "sd_y": sd_y,
        "component_of_free_weight": component_of_free_weight,
        "sd_x": sd_x,
        "x": x,
        "y": y,
        "coords": coords,
        "learned": learned,
    }


def build(data):
    """Components that are members of a level."""
    n_component = len(data["coords"]["component"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    component_of_free_weight = data["component_of_free_weight"]
    sd_x = data["sd_x"]
    x = data["x"]
    y = data["y"]
    with pm.Model(coords=data["coords"]) as model:
        # model.hdsl:5  y ~ mixture(share, normal(centre + beta * x, sigma))
        # default prior of sigma: residual scale of `normal`
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=sd_y)

        # model.hdsl:8  weight[component] ~ normal(0, 1)
        weight_free = pm.Normal("weight free", mu=0, sigma=1, shape=len(component_of_free_weight))
        weight = pm.Deterministic(
            "weight",
            pt.set_subtensor(pt.zeros(n_component)[component_of_free_weight], weight_free),
            dims="component",
        )

        # model.hdsl:7  total = exp(weight[low]) + exp(weight[middle]) + exp(weight[high])
        total = pm.Deterministic("total", pt.exp(weight[0]) + pt.exp(weight[1]) + pt.exp(weight[2]))

        # model.hdsl:6  share[component] = exp(weight) / total
        share = pm.Deterministic("share", pt.exp(weight) / total, dims="component")

        # model.hdsl:10  centre[component] ~ normal(0, 5)
        centre = pm.Normal("centre", mu=0, sigma=5, dims="component")

        # model.hdsl:11  beta ~ 1
        # default prior of beta: slope on `x`: 2.5 sds of the outcome per sd of the predictor
        beta = pm.Normal("beta", mu=0, sigma=2.5 * sd_y / sd_x)

        # model.hdsl:5  y ~ mixture(share, normal(centre + beta * x, sigma))
        mu = centre + beta * x[:, None]
        MixtureOver(
            "y",
            share,
            pm.Normal.dist(mu=mu, sigma=sigma, shape=(n_row, n_component)),
            dims="row",
            observed=y,
        )
    return model


def MixtureOver(name, weights, base, **options):
    """One member of a distribution along its last axis, each with its weight."""
    left = pm.Uniform.dist(size=base.shape[:-1])
    reached = pt.cumsum(pt.broadcast_to(weights, base.shape), axis=-1)[..., :-1]
    member = pt.sum(left[..., None] >= reached, axis=-1)
    draw = pt.take_along_axis(base, member[..., None], axis=-1)[..., 0]
    return derived(name, draw, mixture_over_logp, base, weights, **options)


def mixture_over_logp(value, draw, base, weights):
    """Log density of a mixture of the members along the last axis."""
    parts = pt.log(weights) + pm.logp(base, value[..., None])
    return pt.logsumexp(parts, axis=-1)


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
