"""A small model with everything that results must carry, fitted once for all tests."""

from pathlib import Path

import numpy as np
import pytest

import hdsl
from hdsl.fit import Run
from tests.fit.garden import DRAWS, MODEL, garden


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled code is kept for the session, not among the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HDSL_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def model() -> hdsl.Model:
    return hdsl.parse(MODEL, "garden.hdsl")


@pytest.fixture(scope="session")
def rows() -> dict[str, np.ndarray]:
    return garden()


@pytest.fixture(scope="session")
def run(cache: Path, model: hdsl.Model, rows: dict[str, np.ndarray]) -> Run:
    """Fitted by NumPyro; not written anywhere."""
    return model.fit(rows, chains=2, draws=DRAWS, warmup=300, seed=1)


@pytest.fixture(scope="session")
def pymc_run(cache: Path, model: hdsl.Model, rows: dict[str, np.ndarray]) -> Run:
    """The same fitted by PyMC."""
    return model.fit(rows, backend="pymc", chains=2, draws=DRAWS, warmup=300, seed=1)
