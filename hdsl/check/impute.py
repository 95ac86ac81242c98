"""Imputed columns: `data temperature : real impute` models a predictor so that it may be missing.

What is known of the column is a likelihood term, what is missing a parameter with the same
distribution; wherever the model uses the column it uses the two together.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from hdsl.check.scope import DataSpec, ParameterSpec, Scope, text
from hdsl.check.spelling import quoted
from hdsl.check.targets import Target, parse_target
from hdsl.expr import Apply, Expr, Value, rewrite
from hdsl.families import FAMILIES, support_of
from hdsl.ir.imputed import completed, known, missing
from hdsl.ir.model import DataType, Definition, Node, Outcome, Parameter
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver

_DEFAULTS = {
    DataType.REAL: (None, "normal"),
    DataType.POSITIVE: (None, "lognormal"),
    DataType.PROPORTION: ("logit", "normal"),
}
"""The default distribution of an imputed column, and the function of it that has it."""


def declare_imputed(scope: Scope) -> None:
    """Give every imputed column that has no distribution the default one of its type."""
    written = {target.name for target, _ in scope.outcomes}
    for spec in tuple(scope.data.values()):
        if not spec.impute:
            continue
        if spec.type not in _DEFAULTS:
            scope.report(
                "H304",
                f"`{spec.name}` is {spec.type.value} data, and only measured data can be imputed",
                spec.span,
                "a missing value would be a discrete parameter",
                help=f"leave the rows out: `data {spec.name} : {spec.type.value} drop`",
            )
        elif spec.name not in written:
            _declare_default(scope, spec)


def _declare_default(scope: Scope, spec: DataSpec) -> None:
    link, family = _DEFAULTS[spec.type]
    bare = ast.Ref(spec.name, span=spec.span)
    left: ast.Expr = bare if link is None else ast.Call(link, (ast.Arg(bare),), span=spec.span)
    parts = {role: _free(scope, f"{role}_{spec.name}") for role in ("mu", "sigma")}
    call = ast.Call(
        family, tuple(ast.Arg(ast.Ref(name, span=spec.span)) for name in parts.values()),
        span=spec.span, name_span=spec.span,
    )  # fmt: skip
    target = parse_target(left)
    assert isinstance(target, Target)
    scope.outcomes.append((target, ast.Tilde((left,), call, span=spec.span)))
    scope.defaulted.add(spec.name)
    scope.parameters[parts["mu"]] = ParameterSpec(parts["mu"], spec.span)


def _free(scope: Scope, name: str) -> str:
    while name in set(scope.all_names()):
        name += "_"
    return name


def imputed_nodes(scope: Scope, outcome: Outcome) -> tuple[Outcome, dict[str, Node]]:
    """An outcome as it is or, of an imputed column, the likelihood of what is known of it, its
    missing values, and the column with them in their places.
    """
    name, spec = outcome.name, scope.data[outcome.name]
    if not spec.impute:
        return outcome, {}
    family = FAMILIES.get(outcome.distribution.family)
    if family is None or family.support.discrete:
        scope.report(
            "H304",
            f"the missing values of `{name}` cannot have the distribution "
            f"`{outcome.distribution.family}`",
            outcome.distribution.span,
            "they are parameters, and need a continuous distribution of their own",
            help=f"write `{name} ~ normal(a + b * x, s)`",
        )
        return outcome, {}
    rule = (
        f"imputed: what `{spec.type.value}` data have unless told otherwise"
        if name in scope.defaulted
        else None
    )
    outcome = replace(outcome, imputed=True, rule=rule)
    values = Parameter(
        name=missing(name),
        domain=outcome.domain,
        span=outcome.span,
        support=support_of(family, dict(outcome.distribution.arguments)),
        distribution=outcome.distribution,
        transform=outcome.transform,
        imputes=name,
    )
    whole = Definition(
        name=completed(name),
        domain=outcome.domain,
        span=outcome.span,
        expr=Apply("completed", (Value(name), Value(missing(name)))),
        recorded=False,
    )
    return outcome, {values.name: values, whole.name: whole}


def as_completed(resolver: "Resolver", value: Value) -> Value:
    """The completed column where the model uses an imputed one; in `data` it stays as it is."""
    spec = resolver.scope.data.get(value.name)
    if spec is None or not spec.impute or resolver.in_data:
        return value
    name = completed(value.name)
    resolver.quantities[name] = resolver.domain_of(value.name, value.span)
    return Value(name, span=value.span)


def as_known(expr: Expr) -> Expr:
    """The expression with imputed columns as far as they are known, for what is learned of them."""
    return rewrite(
        expr, lambda e: Value(known(e.name), span=e.span) if isinstance(e, Value) else None
    )


def refuse_imputed(resolver: "Resolver", used: tuple[str, ...], name: str) -> None:
    """Report data derived from an imputed column: with parameters in it they are no data."""
    scope, expr = resolver.scope, resolver.scope.data[name].expr
    found = [n for n in used if n in scope.data and scope.data[n].impute]
    if not found:
        return
    scope.report(
        "H207",
        f"`{name}` cannot be data: {quoted(found)} {'is' if len(found) == 1 else 'are'} imputed",
        scope.data[name].span,
        "its missing values are parameters",
        help="a block is made of data alone: add the column outside of it"
        if isinstance(scope.data[name].expr, ast.Block)
        else f"make it a definition: `{name} = {text(expr)}`"
        if expr is not None
        else None,
    )
