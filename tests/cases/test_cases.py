"""Classic models of other people's books, on their data: they compile, and find the known answers.

The answers are means and sds of posteriors as published, each with its source.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdsl import compiler
from hdsl.api import Model, read
from hdsl.data.bind import Binding
from hdsl.data.frames import read_table
from hdsl.diagnostics.diagnostic import Severity
from hdsl.fit import verify
from hdsl.source import Source
from hdsl.syntax.printer import print_file

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A folder with a model, its data and what is known of the posterior."""

    path: Path

    @property
    def rows(self) -> Path:
        return self.path / "data.csv"

    @cached_property
    def model(self) -> Model:
        return read(self.path / "model.hdsl")

    @cached_property
    def binding(self) -> Binding:
        return compiler.bind_data(self.model.ir, read_table(self.rows))

    @cached_property
    def reference(self) -> Mapping[str, Any]:
        known: dict[str, Any] = json.loads((self.path / "reference.json").read_text("utf-8"))
        return known

    def answers(self) -> Iterator[tuple[str, str | None, float, float]]:
        """Name, group, mean and sd of every quantity that is known."""
        for name, known in self.reference["posterior"].items():
            groups = known if isinstance(known, Mapping) else {None: known}
            for group, (mean, sd) in groups.items():
                yield name, group, mean, sd


CASES = tuple(Case(path.parent) for path in sorted(HERE.glob("*/model.hdsl")))

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.name)


@every_case
def test_case_is_sound(case: Case) -> None:
    found = case.model.check(case.rows)
    assert [d.headline for d in found if d.severity is Severity.ERROR] == []
    assert case.binding.sound


@every_case
def test_case_is_spelled_as_the_formatter_spells_it(case: Case) -> None:
    assert print_file(compiler.parse_source(Source(case.model.text))) == case.model.text


@every_case
def test_what_expand_writes_is_the_same_model(case: Case) -> None:
    table = read_table(case.rows)
    whole = case.model.expand(case.rows)
    expanded = Source(whole, "model.hdsl")
    assert compiler.expand(expanded, table) == whole
    assert {n.name for n in compiler.model_of(expanded).nodes} == {
        n.name for n in case.model.ir.nodes
    }


@every_case
def test_backends_agree_on_the_log_density(case: Case) -> None:
    compared = verify(case.model.ir, case.binding, points=2)
    assert [c for c in compared if not c.agrees] == []
    assert all(np.isfinite(c.numpyro) for c in compared)


@pytest.mark.slow
@every_case
def test_fit_finds_the_published_answers(case: Case) -> None:
    run = case.model.fit(case.rows, chains=4, draws=1000, warmup=1000, seed=1, target_accept=0.9)
    posterior = run.data["posterior"]
    far = {}
    for name, group, mean, sd in case.answers():
        values = posterior[name]
        if group is not None:
            [level] = [d for d in values.dims if d not in ("chain", "draw")]
            values = values.sel({level: int(group) if level == "row" else group})
        distance = (float(values.mean()) - mean) / sd
        spread = float(values.std()) / sd
        if abs(distance) > case.reference["tolerance"] or not 0.6 < spread < 1.6:
            far[name, group] = (round(distance, 2), round(spread, 2))
    assert far == {}
