"""A file with some of its names changed, wherever they stand."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from hdsl.syntax import ast


def renamed(file: ast.File, names: Mapping[str, str]) -> ast.File:
    """The syntax tree of a file in which each name of the mapping is called otherwise.

    A column that a declaration reads under its own name is still read from there.

    >>> from hdsl.source import Source
    >>> from hdsl.syntax.parser import parse
    >>> from hdsl.syntax.printer import print_file
    >>> file, _ = parse(Source("data y : real; y ~ normal(a, 1); a ~ g"))
    >>> print(print_file(renamed(file, {"y": "z", "a": "b"})), end="")
    data z from y : real
    z ~ normal(b, 1)
    b ~ g
    """
    found: ast.File = _any(file, names)
    return found


def _any(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_any(item, names) for item in value)
    if not isinstance(value, ast.Node) and not (isinstance(value, ast.File)):
        return value
    assert is_dataclass(value)
    inner = {f.name: _any(getattr(value, f.name), names) for f in fields(value)}
    return replace(value, **{**inner, **_own(value, names)})


def _own(node: object, names: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a node that hold names."""

    def new(name: str) -> str:
        return ":".join(names.get(part, part) for part in name.split(":"))

    def all_new(old: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new(name) for name in old)

    match node:
        case ast.Ref(name=name) | ast.LevelFixed(name=name) | ast.DataDerived(name=name):
            return {"name": new(name)}
        case ast.LevelName(names=old):
            return {"names": all_new(old)}
        case ast.DataColumn(name=name, column=column):
            return {"name": new(name), "column": column or (name if name in names else None)}
        case ast.LevelDecl(name=name, column=column, parents=parents):
            own = column or (name if name in names else None)
            return {"name": new(name), "column": own, "parents": all_new(parents)}
        case ast.LevelCross(name=name, components=components):
            return {"name": new(name), "components": all_new(components)}
        case ast.With(levels=levels):
            return {"levels": all_new(levels)}
        case _:
            return {}
