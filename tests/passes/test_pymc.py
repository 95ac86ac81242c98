"""PyMC's file of an arranged model: the density of NumPyro's, and the same draws of the rest."""

from types import ModuleType

import pytest

from hdsl.compiler import compile_model, model_of
from hdsl.ir.facts import Facts
from hdsl.source import Source
from tests.backends import densities
from tests.passes import test_centre, test_integrate
from tests.passes.marginals import sampled

QUICK = (
    "nested, with a predictor of the coarser level",
    "what is not linear stays",
    "missing outcomes",
    "three",
    "two components",
)
"""All kernels are among what these call; the others take their time where there is some."""

CASES: dict[str, tuple[str, Facts | None]] = {
    **{case: (test_integrate.DATA + text, None) for case, text in test_integrate.CASES.items()},
    **{case: (test_centre.DATA + t, test_centre.FACTS) for case, t in test_centre.CASES.items()},
}


def files(case: str, folder) -> tuple[ModuleType, ModuleType]:
    """The files for NumPyro and for PyMC of a model, arranged."""
    text, facts = CASES[case]
    model, number = model_of(Source(text)), list(CASES).index(case)
    numpyro, pymc = (
        densities.load(compile_model(model, b, facts, 1).text, folder, f"arranged_{b}_{number}")
        for b in ("numpyro", "pymc")
    )
    return numpyro, pymc


@pytest.mark.parametrize(
    "case", [c if c in QUICK else pytest.param(c, marks=pytest.mark.slow) for c in CASES]
)
def test_both_backends_arrange_one_density(case, tmp_path):
    numpyro, pymc = files(case, tmp_path)
    condensed = numpyro.condense(numpyro.prepare(test_integrate.rows()))
    read = pymc.condense(pymc.prepare(test_integrate.rows()))
    assert read.keys() == condensed.keys()
    point = sampled(numpyro.collapsed, condensed, 0)
    found = densities.pymc_density(pymc.collapsed(read), point)
    expected = densities.numpyro_density(numpyro.collapsed, condensed, point)
    assert found == pytest.approx(expected, rel=1e-9)
