"""HDSL from Python: a model from a file or a text, and all that can be done with it."""

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdsl import compiler
from hdsl.diagnostics.diagnostic import Diagnostic, ModelError
from hdsl.diagnostics.suppress import apply_ignores, in_source_order
from hdsl.ir import model as ir
from hdsl.source import Source

if TYPE_CHECKING:
    import networkx

    from hdsl.data.bind import Binding
    from hdsl.fit.run import Run
    from hdsl.ir.compare.difference import Difference
    from hdsl.workflow.poolings import Poolings
    from hdsl.workflow.recovery import Recovery
    from hdsl.workflow.simulate import Simulation


def read(path: str | os.PathLike[str]) -> "Model":
    """The model in a file; raises ModelError with every diagnostic if it is wrong."""
    file = Path(path)
    return Model(Source(file.read_text(encoding="utf-8-sig"), file.name))


def parse(text: str, name: str = "<model>") -> "Model":
    """The model of a text; raises ModelError with every diagnostic if it is wrong.

    >>> print(parse("y ~ normal(mu, sigma); mu ~ region").expand().splitlines()[0])
    data y : real
    """
    return Model(Source(text, name))


def load(path: str | os.PathLike[str]) -> "Run":
    """A run that was saved, wherever its folder has been moved to."""
    from hdsl.fit.run import load as load_run

    return load_run(Path(path))


class Model:
    """A checked model. ``ir`` is its typed form; ``text`` what it was read from.

    Data frames may be of pandas, polars or pyarrow, or a mapping of columns to sequences; a path
    to a CSV, Parquet or Feather file does as well. ``tables`` holds group-level frames by level.
    """

    def __init__(self, source: Source) -> None:
        model, found = compiler.check_source(source)
        if model is None:
            raise ModelError(found, source)
        self._source = source
        self.ir: ir.Model = model
        self.diagnostics: tuple[Diagnostic, ...] = found

    @property
    def text(self) -> str:
        """The text that the model was read from."""
        return self._source.text

    @property
    def name(self) -> str:
        """The name that the model is reported under."""
        return self._source.name

    def source(
        self,
        backend: str = "numpyro",
        data: Any = None,
        tables: Any = None,
        *,
        level: int | None = None,
        without: Iterable[str] = (),
    ) -> str:
        """The model as Python source for ``numpyro`` or ``pymc``; with data, fitted to them.

        At ``level`` 1, which is the default with data, the file has the posterior besides as the
        passes arrange it for sampling, all but those ``without``.
        """
        facts = None if data is None else self._bind(data, tables).facts
        if level is None:
            level = 0 if data is None else 1
        return compiler.compile_model(self.ir, backend, facts, level, tuple(without)).text

    def expand(self, data: Any = None, tables: Any = None) -> str:
        """The model with every default written out and its rule as a comment."""
        if data is None:
            return compiler.expand(self._source)
        by_level = {level: _table(frame) for level, frame in (tables or {}).items()}
        return compiler.expand(self._source, _table(data), by_level)

    @cached_property
    def graph(self) -> "networkx.DiGraph[str]":
        """What depends on what: see ``hdsl.ir.graph.dependency_graph`` for its attributes."""
        from hdsl.ir.graph import dependency_graph

        return dependency_graph(self.ir)

    @cached_property
    def levels(self) -> "networkx.DiGraph[str]":
        """Which level lies in which: see ``hdsl.ir.graph.level_graph`` for its attributes."""
        from hdsl.ir.graph import level_graph

        return level_graph(self.ir)

    def diff(self, other: "Model") -> "Difference":
        """What changed in meaning from this model to another."""
        return compiler.difference(self._source, other._source)

    def check(self, data: Any = None, tables: Any = None) -> tuple[Diagnostic, ...]:
        """Everything there is to say about the model and the data, advice included."""
        from hdsl.lint import lint

        found, binding = self.diagnostics, None
        if data is not None:
            binding = self._binding(data, tables)
            found = (*found, *binding.diagnostics)
            if not binding.sound:
                return apply_ignores(in_source_order(found), self._source)
        found = (*found, *lint(self.ir, binding))
        return apply_ignores(in_source_order(found), self._source)

    def fit(self, data: Any, tables: Any = None, **options: Any) -> "Run":
        """The posterior given data, as a ``Run``.

        Options are those of ``hdsl.fit.fit``: backend, chains, draws, warmup, seed, sampler, out,
        level, without.
        """
        from hdsl.fit import fit

        return fit(self.ir, self._bind(data, tables), **options)

    def simulate(
        self,
        data: Any,
        tables: Any = None,
        *,
        times: int = 1,
        seed: int = 0,
        settings: Iterable[str] = (),
    ) -> "Simulation":
        """The data's rows with outcomes drawn from the prior, and the truth that they came from.

        The data may lack the outcome. ``settings`` such as ``"sd(beta) = 0.3"`` set parameters.
        """
        from hdsl.workflow.simulate import simulate

        by_level = {level: _table(frame) for level, frame in (tables or {}).items()}
        rows = _table(data)
        return simulate(self.ir, rows, by_level, times=times, seed=seed, settings=settings)

    def recover(self, data: Any, tables: Any = None, **options: Any) -> "Recovery":
        """What a design can tell: truth drawn from the prior against what a fit gives back of it.

        Options are those of ``hdsl.workflow.recover.recover``: times, method, chains, draws,
        warmup, seed, settings, out.
        """
        from hdsl.workflow.recover import recover

        by_level = {level: _table(frame) for level, frame in (tables or {}).items()}
        return recover(self.ir, _table(data), by_level, **options)

    def pool(self, data: Any, tables: Any = None, **options: Any) -> "Poolings":
        """The model with no pooling, as written, and with complete pooling, side by side.

        Options are those of ``hdsl.workflow.pool.pool``: levels, holdout, folds, method, chains,
        draws, warmup, seed, out, overwrite.
        """
        from hdsl.workflow.pool import pool

        by_level = {level: _table(frame) for level, frame in (tables or {}).items()}
        return pool(self._source, _table(data), by_level, **options)

    def render(self, view: str = "model", form: str = "svg", data: Any = None) -> str | bytes:
        """A picture of the model (``view="model"``) or of its levels (``view="levels"``)."""
        from hdsl.render import render

        facts = None if data is None else self._bind(data, None).facts
        return render(self.ir, view, form, facts)

    def _binding(self, data: Any, tables: Mapping[str, Any] | None) -> "Binding":
        by_level = {level: _table(frame) for level, frame in (tables or {}).items()}
        return compiler.bind_data(self.ir, _table(data), by_level)

    def _bind(self, data: Any, tables: Mapping[str, Any] | None) -> "Binding":
        binding = self._binding(data, tables)
        if not binding.sound:
            raise ModelError(binding.diagnostics, self._source)
        return binding

    def __repr__(self) -> str:
        return f"Model({self.name!r})"

    def _repr_html_(self) -> str:
        try:
            picture = str(self.render())
        except (ModelError, ImportError):  # no Graphviz here: the text says as much
            picture = ""
        return f"<div>{picture}<pre>{escape(self.text)}</pre></div>"


def _table(data: Any) -> Any:
    from hdsl.data.frames import from_frame, read_table

    return read_table(Path(data)) if isinstance(data, str | os.PathLike) else from_frame(data)
