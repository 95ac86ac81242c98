"""Centred and non-centred code sample one distribution: equal log joints, with the Jacobian."""

import numpy as np
import pytest
from numpyro import handlers

from hdsl.backends import emit
from hdsl.compiler import model_of
from hdsl.source import Source
from tests.backends import densities
from tests.backends.rows import rows

ONE = """\
data y, x : real
data income : real per market
y ~ normal(a + b * x, sigma)
a, b ~ market | income{how}
cor(a, b) = 0
"""
TWO = ONE.replace("cor(a, b) = 0\n", "")
THREE = """\
data y, x : real
y ~ normal(a + b * x + c * x^2, sigma)
a, b, c ~ market{how}
"""
NESTED = """\
data y : real
level sub in market
y ~ normal(a, sigma)
a ~ market / sub{how}
"""
AXIS = """\
data y : real
y ~ normal(a, sigma)
a[category] ~ market{how}
"""
AXIS_CORRELATED = AXIS + "cor(a) ~ lkj(2)\n"
GRID = """\
data y : real
level category
level week
y ~ studentt(4, a[category, week], 1)
a[category, week] ~ normal(m[category], s){how}
m[category] ~ normal(0, 1)
s ~ exponential(1)
"""


def trace(model, data, point):
    """Every site's value, at a point."""
    seeded = handlers.seed(handlers.substitute(model, data=dict(point)), 0)
    found = handlers.trace(seeded).get_trace(data)
    return {name: np.asarray(site["value"]) for name, site in found.items() if "value" in site}


def both(text, folder):
    models = (
        model_of(Source(text.format(how=how))) for how in (" with noncentered", " with centered")
    )
    return [
        densities.load(emit(model, "numpyro").text, folder, f"model_{i}")
        for i, model in enumerate(models)
    ]


def scales(values, sites):
    """log|d value / d z| of one group, where each value is centre + sd * z."""
    return sum(np.sum(np.log(values[site])) for site in sites)


@pytest.mark.parametrize(
    ("text", "centred", "jacobian"),
    [
        (ONE, {"centred(a)": "a", "centred(b)": "b"}, lambda v: 4 * scales(v, ["sd(a)", "sd(b)"])),
        (
            TWO,
            {"centred(a, b)": ("a", "b")},
            lambda v: 4 * (scales(v, ["sd(a)", "sd(b)"]) + np.log(1 - v["cor(a, b)"] ** 2) / 2),
        ),
        (
            THREE,
            {"centred(a, b, c)": ("a", "b", "c")},
            lambda v: (
                4
                * (
                    scales(v, ["sd(a)", "sd(b)", "sd(c)"])
                    + np.sum(np.log(np.diag(v["cholesky(a, b, c)"])))
                )
            ),
        ),
        (
            NESTED,
            {"centred(a, market)": "a[market]", "centred(a, sub)": "a"},
            lambda v: 4 * np.log(v["sd(a, market)"]) + 8 * np.log(v["sd(a, sub)"]),
        ),
        (AXIS, {"centred(a)": "a"}, lambda v: 4 * np.sum(np.log(v["sd(a)"]))),
        (
            AXIS_CORRELATED,
            {"centred(a)": "a"},
            lambda v: 4 * (np.sum(np.log(v["sd(a)"])) + np.sum(np.log(np.diag(v["cholesky(a)"])))),
        ),
        (GRID, {"a": "a"}, lambda v: 15 * np.log(v["s"])),
    ],
    ids=["one", "two", "three", "nested", "axis", "axis correlated", "grid"],
)
def test_one_log_joint(text, centred, jacobian, tmp_path):
    plain, other = both(text, tmp_path)
    data = plain.prepare(rows())
    for point in densities.points(plain.model, data, 3):
        values = trace(plain.model, data, point)
        moved = {name: value for name, value in point.items() if not name.startswith("z(")}
        for site, names in centred.items():
            one = isinstance(names, str)
            moved[site] = values[names] if one else np.stack([values[n] for n in names], axis=-1)
        before = densities.numpyro_density(plain.model, data, point)
        after = densities.numpyro_density(other.model, data, moved)
        assert after + jacobian(values) == pytest.approx(before, rel=1e-9)
