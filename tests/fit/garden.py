"""Plants in ten beds: a transformed outcome with two missing values, a predictor of the beds, and
labels that files do not like."""

import numpy as np

DRAWS = 200
MISSING = (3, 17)  # rows of the file, from 1

MODEL = """\
data weight : positive
data sun : real
data soil : real per bed
log(weight) ~ normal(alpha + beta * sun, sigma)
alpha, beta ~ bed | soil
gap = alpha["bed/1"] - alpha["bed 🌱"]
"""

LABELS = ("bed/1", "bed 🌱", 'the "old" bed', "<script>", "5", "6", "10", "a:b", "Ä", "z")


def garden() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    bed = np.repeat(np.arange(10), 8)
    soil = rng.normal(size=10)
    alpha = 1 + 0.5 * soil + 0.3 * rng.normal(size=10)
    beta = -0.4 + 0.2 * rng.normal(size=10)
    sun = rng.normal(size=80)
    weight = np.exp(rng.normal(alpha[bed] + beta[bed] * sun, 0.4))
    weight[np.array(MISSING) - 1] = np.nan
    return {
        "weight": weight,
        "sun": sun,
        "soil": soil[bed],
        "bed": np.array(LABELS, dtype=object)[bed],
    }
