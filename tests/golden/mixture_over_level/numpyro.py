"""Components that are members of a level.

Written by HDSL from model.hdsl, for NumPyro:

    numpyro.enable_x64()
    data = prepare(rows)
    kernel = numpyro.infer.NUTS(model)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=1000, num_samples=1000)
    mcmc.run(jax.random.key(0), data)
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

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


def model(data):
    """Components that are members of a level."""
    n_component = len(data["coords"]["component"])
    n_row = len(data["coords"]["row"])
    sd_y = data["sd_y"]
    component_of_free_weight = data["component_of_free_weight"]
    sd_x = data["sd_x"]
    x = data["x"]
    y = data["y"]

    # model.hdsl:5  y ~ mixture(share, normal(centre + beta * x, sigma))
    # default prior of sigma: residual scale of `normal`
    sigma = numpyro.sample("sigma", dist.FoldedDistribution(dist.StudentT(4, 0.0, sd_y)))

    # model.hdsl:8  weight[component] ~ normal(0, 1)
    with numpyro.plate("free weight", len(component_of_free_weight)):
        weight_free = numpyro.sample("weight free", dist.Normal(0, 1))
    weight = numpyro.deterministic(
        "weight", jnp.zeros(n_component).at[component_of_free_weight].set(weight_free)
    )

    # model.hdsl:7  total = exp(weight[low]) + exp(weight[middle]) + exp(weight[high])
    total = numpyro.deterministic(
        "total", jnp.exp(weight[0]) + jnp.exp(weight[1]) + jnp.exp(weight[2])
    )

    # model.hdsl:6  share[component] = exp(weight) / total
    share = numpyro.deterministic("share", jnp.exp(weight) / total)

    # model.hdsl:10  centre[component] ~ normal(0, 5)
    with numpyro.plate("component", n_component):
        centre = numpyro.sample("centre", dist.Normal(0, 5))

    # model.hdsl:11  beta ~ 1
    # default prior of beta: slope on `x`: 2.5 sds of the outcome per sd of the predictor
    beta = numpyro.sample("beta", dist.Normal(0, 2.5 * sd_y / sd_x))

    # model.hdsl:5  y ~ mixture(share, normal(centre + beta * x, sigma))
    mu = centre + beta * x[:, None]
    with numpyro.plate("row", n_row):
        numpyro.sample("y", MixtureOver(share, dist.Normal(mu, sigma)), obs=y)


class MixtureOver(dist.Distribution):
    """One member of a distribution along its last axis, each with its weight."""

    def __init__(self, weights, base, *, validate_args=None):
        shape = jnp.broadcast_shapes(base.batch_shape, jnp.shape(weights))
        self.weights, self.base = jnp.broadcast_to(weights, shape), base.expand(shape)
        super().__init__(batch_shape=shape[:-1], validate_args=validate_args)

    @property
    def support(self):
        return self.base.support

    def log_prob(self, value):
        parts = jnp.log(self.weights) + self.base.log_prob(value[..., None])
        return jax.scipy.special.logsumexp(parts, axis=-1)

    def sample(self, key, sample_shape=()):
        key, key_member = jax.random.split(key)
        value = self.base.sample(key, sample_shape)
        member = jax.random.categorical(key_member, jnp.log(self.weights), shape=value.shape[:-1])
        return jnp.take_along_axis(value, member[..., None], axis=-1)[..., 0]


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
