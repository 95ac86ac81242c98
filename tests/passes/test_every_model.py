"""Every golden model and every example, arranged: it compiles, and its draws are whole."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from numpyro.infer.util import log_density

from hdsl.compiler import bind_data, compile_model, model_of
from hdsl.data.frames import from_frame
from hdsl.fit.numpyro_sampler import split_data
from tests.backends import densities
from tests.backends.rows import rows
from tests.backends.test_golden import CASES, source
from tests.passes.marginals import sampled


def arranged_file(case: str) -> str:
    """The file at level 1, as if each group had rows enough to be sampled as it is."""
    model = model_of(source(case))
    facts = bind_data(model, from_frame(rows())).facts
    return compile_model(
        model, "numpyro", replace(facts, typical=dict.fromkeys(facts.sizes, 1e3)), level=1
    ).text


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_draws_of_an_arranged_model_are_those_of_the_model(case, tmp_path):
    text = arranged_file(case)
    if "def collapsed" not in text:
        return
    module = densities.load(text, tmp_path, f"arranged_{case}")
    data = module.prepare(rows())
    condensed = module.condense(data)
    point = sampled(module.collapsed, condensed, 0)
    split = split_data(condensed)

    def both(arrays, at):
        read = split.merged(arrays)
        density = log_density(module.collapsed, (read,), {}, at)[0]
        return density, module.recover(read, at, jax.random.key(0))

    density, back = jax.jit(both)(split.arrays, point)
    whole = sampled(module.model, data, 0)
    assert np.isfinite(density)
    found = {name: np.shape(value) for name, value in {**point, **back}.items()}
    assert {name: found.get(name) for name in whole} == {n: np.shape(v) for n, v in whole.items()}
