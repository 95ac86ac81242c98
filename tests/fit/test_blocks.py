"""A block's coefficients in the results: one axis, labelled by its columns."""

import numpy as np

import hdsl

MODEL = """
data X = [1, x, onehot(kind)]
data y, x : real
data kind : factor
y ~ normal(X @ theta, sigma)
theta[X] ~ store
"""


def test_coefficients_are_labelled_by_columns() -> None:
    random = np.random.default_rng(3)
    rows = {
        "y": random.normal(size=60),
        "x": random.normal(size=60),
        "kind": np.tile(["a", "b", "c"], 20),
        "store": np.repeat(["s", "t", "u", "v"], 15),
    }
    run = hdsl.parse(MODEL).fit(rows, chains=1, draws=20, warmup=30, seed=1)
    theta = run.data["posterior"]["theta"]
    assert theta.dims == ("chain", "draw", "store", "X")
    assert theta.coords["X"].to_numpy().tolist() == ["1", "x", "kind:a", "kind:b", "kind:c"]
    assert np.isfinite(theta).all()
