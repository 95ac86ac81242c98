"""Writes a generated module to a file, imports that very file, and traces its errors back.

What is fitted is the file that a user reads: nothing is executed that is not in it.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
import traceback
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hdsl.diagnostics.diagnostic import Diagnostic, Label, ModelError
from hdsl.source import Source, Span

if TYPE_CHECKING:
    from hdsl.backends import Generated

_COUNT = itertools.count()


@dataclass(frozen=True)
class GeneratedModule:
    """An imported generated file. Its calls raise ``ModelError`` at the line of the model."""

    module: ModuleType
    file: Path
    generated: Generated
    source: Source

    def call(self, name: str, *arguments: object, **options: object) -> Any:
        """What a function of the file returns."""
        with self.located():
            return getattr(self.module, name)(*arguments, **options)

    def prepare(
        self,
        rows: Mapping[str, Any],
        tables: Mapping[str, Any] | None = None,
        learned: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The prepared data: arrays, coords and what was learned."""
        prepared: dict[str, Any] = self.call("prepare", rows, tables, learned)
        return prepared

    @contextmanager
    def located(self) -> Iterator[None]:
        """Within it, an error raised below the generated file becomes one of the model's."""
        try:
            yield
        except (ModelError, KeyboardInterrupt):
            raise
        except Exception as error:
            line = self._python_line(error)
            if line is None:
                raise
            raise ModelError((self._diagnostic(error, line),), self.source) from error

    def _python_line(self, error: BaseException) -> int | None:
        """The innermost line of the generated file that the error passed through."""
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(self.file)]
        return lines[-1] if lines else None

    def _diagnostic(self, error: Exception, python_line: int) -> Diagnostic:
        message = str(error).strip().splitlines()
        said = f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
        line = model_line(self.generated.lines, python_line)
        label = Label(line_span(self.source, line)) if line is not None else None
        where = f"raised in line {python_line} of {self.file.name}"
        return Diagnostic("H520", f"the model cannot be run: {said}", label, notes=(where,))


def model_line(lines: tuple[tuple[int, int], ...], python_line: int) -> int | None:
    """The line of the model that a line of Python comes from, None above the first.

    >>> model_line(((10, 3), (14, 4)), 12)
    3
    """
    ordered = sorted(lines)
    at = bisect_right(ordered, python_line, key=lambda pair: pair[0])
    return ordered[at - 1][1] if at else None


def line_span(source: Source, line: int) -> Span:
    """The text of a line without its indentation."""
    text = source.line(line)
    start = source.line_starts[line - 1] + len(text) - len(text.lstrip())
    return Span(start, source.line_starts[line - 1] + len(text.rstrip()))


def write_module(generated: Generated, folder: Path) -> Path:
    """The file that a generated module was written to."""
    file = folder / f"model_{generated.backend}.py"
    file.write_text(generated.text, encoding="utf-8")
    return file


def import_module(generated: Generated, file: Path, source: Source) -> GeneratedModule:
    """The file as an imported module, under a name that no other module has."""
    name = f"_hdsl_{generated.backend}_{next(_COUNT)}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as an import does: tracebacks and pickles look there
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with _deferred_imports():
            spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = wrote
    return GeneratedModule(module, file, generated, source)


_DEFERRED = ("numpyro", "numpyro.distributions")
"""What the generated file imports and `prepare` does not use: `model` does, when it is traced."""


class _Deferred(ModuleType):
    """Stands for a module that is imported when something of it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system itself asks
            raise AttributeError(name)
        _give_way()
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _deferred_imports() -> Iterator[None]:
    """Within it, an import of NumPyro waits until NumPyro is used; a fit whose programs are kept
    from an earlier one never does, and is spared the import.
    """
    if not any(name in sys.modules for name in _DEFERRED):
        for name in _DEFERRED:
            stand_in = _Deferred(name)
            sys.modules[name] = stand_in
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], child, stand_in)
    try:
        yield
    finally:
        _give_way()


def _give_way() -> None:
    """Takes the stand-ins out of the way of the modules themselves."""
    for name in _DEFERRED:
        if isinstance(sys.modules.get(name), _Deferred):
            del sys.modules[name]
