"""Simulate, fit, recover: each example finds what made its data, or what others have published."""

import numpy as np
import pytest

from tools.examples import EXAMPLES, Example, draws, fitted, flat, reference

KNOWN = [e for e in EXAMPLES if reference(e)]


@pytest.mark.slow
@pytest.mark.parametrize("example", KNOWN, ids=lambda e: e.name)
def test_fit_recovers_what_is_known(example: Example) -> None:
    run = fitted(example)
    distances, covered = [], []
    for (name, label), value in flat(reference(example)).items():
        found = draws(run, name, label)
        if isinstance(value, list):
            distances.append(abs(found.mean() - value[0]) / value[1])
        else:
            low, high = np.quantile(found, [0.05, 0.95])
            covered.append(low <= value <= high)
            if label is None:  # of a few population values each must be near
                assert abs(found.mean() - value) < 3.5 * found.std(), name
    # Published means come from another program, whose code deviates a little from its formulas.
    assert max(distances, default=0.0) < 0.6
    # 90 % intervals of n truths: three binomial sds of room.
    n = len(covered)
    assert sum(covered) >= 0.9 * n - 3 * np.sqrt(0.09 * n)
