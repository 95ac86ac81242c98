"""The `with` options of statements: do they name something that is there?"""

from hdsl.check.resolve import Resolver
from hdsl.check.spelling import nearest, quoted
from hdsl.source import Span
from hdsl.syntax import ast


def check_options(resolver: Resolver) -> None:
    """Report a `with` that names nothing known."""
    scope = resolver.scope
    seen: set[int] = set()
    statements: list[tuple[ast.With | None, tuple[str, ...]]] = [
        (spec.statement.option, spec.levels) for spec in scope.coefficients.values()
    ]
    statements += [(spec.option, spec.axes) for spec in scope.parameters.values()]
    for option, levels in statements:
        if option is None or id(option) in seen:
            continue
        seen.add(id(option))
        if option.name not in ("centered", "noncentered"):
            near = nearest(option.name, ("centered", "noncentered"))
            scope.report(
                "H215",
                f"unknown option `{option.name}`",
                option.span,
                help=f"did you mean `{near}`?"
                if near
                else "write `with centered` or `with noncentered`",
            )
        unknown = [level for level in option.levels if level not in levels]
        if unknown or not levels:
            _blame_option(resolver, option.span, unknown, levels)


def _blame_option(
    resolver: Resolver, span: Span, unknown: list[str], levels: tuple[str, ...]
) -> None:
    if levels:
        headline = f"this statement has no level {quoted(unknown)}"
        help = f"its levels are {quoted(levels)}"
    else:
        headline, help = "a single value is neither centred nor non-centred", "drop the `with`"
    resolver.scope.report("H215", headline, span, help=help)
