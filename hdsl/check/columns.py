"""Declared and derived columns: the `data` statements of a file."""

from dataclasses import replace

from hdsl.check.levels import use_level
from hdsl.check.scope import DataSpec, Scope
from hdsl.check.spelling import nearest
from hdsl.diagnostics.diagnostic import Label
from hdsl.ir.model import DataType
from hdsl.syntax import ast


def declare_data(scope: Scope, statement: ast.DataDecl | ast.DataDerived) -> None:
    """Add the columns that a statement declares or derives."""
    match statement:
        case ast.DataDerived(name=name, expr=expr, name_span=span):
            _add_data(scope, DataSpec(name, span or statement.span, expr=expr))
        case ast.DataDecl(columns=columns, type=type_name, members=members):
            known = {kind.value: kind for kind in DataType}
            if type_name not in known:
                near = nearest(type_name, known)
                scope.report(
                    "H306",
                    f"unknown type `{type_name}`",
                    statement.type_span,
                    "not a type of data",
                    help=f"did you mean `{near}`?" if near else f"write one of {', '.join(known)}",
                )
            kind = known.get(type_name, DataType.REAL)
            for column in columns:
                spec = DataSpec(
                    column.name,
                    column.span,
                    column.column or column.name,
                    kind,
                    members,
                    drop=statement.drop,
                    impute=statement.impute,
                )
                _add_data(scope, spec)


def _add_data(scope: Scope, spec: DataSpec) -> None:
    if spec.name in scope.data:
        scope.report(
            "H202",
            f"`{spec.name}` is declared twice",
            spec.span,
            "declared again here",
            others=(Label(scope.data[spec.name].span, "first declared here"),),
            help="a derived column takes a new name",
        )
        return
    scope.data[spec.name] = spec


def resolve_per(scope: Scope, file: ast.File) -> None:
    """Give every column its level; a name cannot be both a declared level and a column."""
    for statement in file.statements:
        if isinstance(statement, ast.DataDecl | ast.DataDerived) and statement.per is not None:
            level = use_level(scope, statement.per)
            names = (
                [c.name for c in statement.columns]
                if isinstance(statement, ast.DataDecl)
                else [statement.name]
            )
            for name in names:
                if name in scope.data:
                    scope.data[name] = replace(scope.data[name], per=level)
        elif isinstance(statement, ast.LevelDecl | ast.LevelFixed | ast.LevelCross):
            _refuse_level_and_data(scope, statement)


def _refuse_level_and_data(
    scope: Scope, statement: ast.LevelDecl | ast.LevelFixed | ast.LevelCross
) -> None:
    name = statement.name
    if name in scope.data:
        scope.report(
            "H202",
            f"`{name}` is a level and data at once",
            scope.data[name].span,
            "a name has one meaning",
            others=(Label(statement.span, "a level here"),),
            help=f"name the column otherwise: `data {name}_value from {name} : real`",
        )
