"""Both backends' densities are compared, and a difference has a name."""

from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl.backends import Generated
from hdsl.compiler import compile_model
from hdsl.fit import verify
from hdsl.fit.module import import_module, write_module
from hdsl.fit.verify import compare

TEXT = "data y : count\ny ~ poisson(log_mu = a)\na ~ pupil\nsd(a) ~ gamma(2, 3)\nmean(a) ~ flat()\n"


@pytest.fixture(scope="module")
def binding(cache: Path) -> object:
    rng = np.random.default_rng(0)
    rows = {"y": rng.poisson(2, 20), "pupil": np.repeat(["a", "b", "c", "d"], 5)}
    return hdsl.parse(TEXT)._bind(rows, None)


def test_backends_that_agree_differ_at_no_site(binding: object) -> None:
    found = verify(hdsl.parse(TEXT).ir, binding, points=3)
    assert len(found) == 3
    assert all(row.agrees and not row.sites for row in found)
    assert len({row.numpyro for row in found}) == 3


def test_a_difference_is_named(binding: object, tmp_path: Path) -> None:
    model = hdsl.parse(TEXT).ir
    loaded, data = [], []
    for backend in ("numpyro", "pymc"):
        generated = compile_model(model, backend, binding.facts)
        changed = generated.text.replace("pm.Gamma(", "pm.InverseGamma(")
        generated = Generated(changed, backend, generated.lines)
        folder = tmp_path / backend
        folder.mkdir()
        loaded.append(import_module(generated, write_module(generated, folder), model.source))
        data.append(loaded[-1].prepare(binding.rows, binding.tables))
    (row,) = compare(*loaded, *data, points=1, seed=0)
    assert not row.agrees
    assert list(row.sites) == ["sd(a)"]
    ours, theirs = row.sites["sd(a)"]
    assert row.numpyro - row.pymc == pytest.approx(ours - theirs)
