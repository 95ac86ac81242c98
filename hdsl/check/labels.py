"""Outcomes that are labels: the axis of their labels or cut points, and the cut points themselves.

`choice ~ categorical(…)` makes an axis of its labels without the baseline, over which coefficients
may vary: it is written `choice`, and called `choice_label` among the dimensions of the results.
`rating ~ orderedlogistic(…)` makes an axis `cut` of what lies between its labels, and the parameter
`cut(rating)` along it.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from hdsl.check.mentions import walk
from hdsl.check.scope import DataSpec, ParameterSpec, Scope, text
from hdsl.check.spelling import nearest, quoted
from hdsl.check.targets import Target, parse_target
from hdsl.diagnostics.diagnostic import Label
from hdsl.expr import BROKEN, Domain, Expr, Value
from hdsl.families import FAMILIES, Categories
from hdsl.families.family import Family
from hdsl.ir.model import DataType, Distribution, Level, LevelKind
from hdsl.ir.uses import argument_domain
from hdsl.source import NOWHERE, Span
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver

CUT = "cut"
_TYPES = {
    Categories.ORDERED: (DataType.ORDERED, DataType.COUNT, DataType.BINARY),
    Categories.UNORDERED: (
        DataType.FACTOR,
        DataType.ORDERED,
        DataType.COUNT,
        DataType.BINARY,
    ),
}


def cut_points(outcome: str) -> str:
    """The name of the cut points between the labels of an outcome.

    >>> cut_points("rating")
    'cut(rating)'
    """
    return f"cut({outcome})"


# ---------------------------------------------------------------- axes


def declare_axes(scope: Scope, file: ast.File) -> None:
    """Give every outcome that is a label its axis; `cut` is one name, or one for each outcome."""
    found = [
        (target, call, family)
        for statement in file.statements
        if isinstance(statement, ast.Tilde) and isinstance(statement.right, ast.Call)
        for call, family in _of_labels(statement.right)
        for target in map(parse_target, statement.targets)
        if isinstance(target, Target) and target.accessor is None and not target.index
    ]
    ordered = [target for target, _, family in found if family.categories is Categories.ORDERED]
    taken = {*scope.levels, *scope.data, *_names(file)}
    for target, call, family in found:
        name = target.name
        if name in scope.axes or name in scope.levels:
            continue  # a level of that name is reported where it is declared
        labels = scope.data[name].members if name in scope.data else ()
        if family.categories is Categories.ORDERED:
            axis = CUT if len(ordered) == 1 and CUT not in taken else f"{CUT}_of_{name}"
            between = tuple(f"{low}|{high}" for low, high in pairwise(labels))
            level = Level(axis, LevelKind.CUT, None, members=between, of=name)
        else:
            axis, baseline = f"{name}_label", _baseline(scope, call, labels)
            while axis in taken:
                axis += "_"
            rest = tuple(label for label in labels if label != (baseline or labels[0]))
            level = Level(axis, LevelKind.CATEGORY, None, members=rest, of=name, baseline=baseline)
        scope.levels[axis] = level
        scope.axes[name] = axis


def _of_labels(call: ast.Call) -> Iterator[tuple[ast.Call, Family]]:
    """The distributions of labels in a call: itself, or what it wraps."""
    for node in walk(call):
        family = FAMILIES.get(node.name) if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and family is not None and family.categories is not None:
            yield node, family


def _names(file: ast.File) -> set[str]:
    """The names that statements define."""
    found = [
        parse_target(target)
        for statement in file.statements
        if isinstance(statement, ast.Tilde | ast.Define | ast.Report)
        for target in statement.targets
    ]
    return {target.name for target in found if isinstance(target, Target)}


def _baseline(scope: Scope, call: ast.Call, labels: tuple[str, ...]) -> str | None:
    """The label that `baseline = "car"` names."""
    for arg in call.args:
        if arg.keyword != "baseline":
            continue
        if not isinstance(arg.value, ast.Text):
            scope.report("H205", "a baseline is a label", arg.span, help='write `baseline = "car"`')
            return None
        if labels and arg.value.value not in labels:
            near = nearest(arg.value.value, labels)
            scope.report(
                "H212",
                f'the outcome has no label "{arg.value.value}"',
                arg.span,
                help=f'did you mean "{near}"?' if near else f"its labels are {quoted(labels)}",
            )
            return None
        return arg.value.value
    return None


# ---------------------------------------------------------------- cut points


def declare_cuts(scope: Scope) -> None:
    """Make the cut points of every ordered outcome known, with the default prior if need be."""
    for target, statement in scope.outcomes:
        axis = scope.axes.get(target.name)
        if axis is None or scope.levels[axis].kind is not LevelKind.CUT:
            continue
        name = cut_points(target.name)
        if name not in scope.parameters:
            span = target.name_span
            scope.parameters[name] = ParameterSpec(name, span, axes=(axis,), statement=statement)


def declare_cut_prior(scope: Scope, target: Target, statement: ast.Tilde) -> None:
    """Take `cut(rating) ~ normal(0, 2)` as the prior of each cut point."""
    axis = _cut_axis(scope, target.name, target.span)
    if axis is None:
        return
    name, first = cut_points(target.name), scope.parameters.get(cut_points(target.name))
    assert isinstance(statement.right, ast.Call)
    if first is not None:
        scope.report(
            "H202",
            f"`{name}` is defined twice",
            target.span,
            "defined again here",
            others=(Label(first.span, "first defined here"),),
            help="a quantity has one `~`",
        )
    elif target.index:
        scope.report(
            "H207",
            "one cut point has no prior of its own",
            target.span,
            help=f"give all of them one: `{name} ~ normal(0, 2)`",
        )
    elif target.transform is not None:
        scope.report("H310", "cut points have a prior as they are", target.span)
    else:
        scope.parameters[name] = ParameterSpec(
            name,
            target.span,
            target,
            (axis,),
            statement.right,
            statement.option,
            statement=statement,
        )


def refuse_set_cuts(scope: Scope, target: Target) -> None:
    """Report `cut(rating) = …`: cut points are learned."""
    if _cut_axis(scope, target.name, target.span) is not None:
        scope.report(
            "H207",
            "cut points are learned, and cannot be set",
            target.span,
            help=f"give them a prior: `{cut_points(target.name)} ~ normal(0, 2)`",
        )


def cut_accessor(resolver: "Resolver", expr: ast.Call) -> Expr:
    """`cut(rating)` in an expression, or one of them: `cut(rating["low|mid"])`."""
    first = expr.args[0].value
    if len(expr.args) != 1 or not isinstance(first, ast.Ref):
        help = "write `cut(rating)`"
        resolver.scope.report("H205", "`cut` takes one ordered outcome", expr.span, help=help)
        return BROKEN
    axis = _cut_axis(resolver.scope, first.name, first.span)
    if axis is None:
        return BROKEN
    value = Value(cut_points(first.name), span=expr.span)
    return resolver.index(value, first.index, (axis,), expr.span)


def _cut_axis(scope: Scope, name: str, span: Span) -> str | None:
    axis = scope.axes.get(name)
    if axis is not None and scope.levels[axis].kind is LevelKind.CUT:
        return axis
    ordered = [n for n, a in scope.axes.items() if scope.levels[a].kind is LevelKind.CUT]
    near = nearest(name, ordered)
    scope.report(
        "H210",
        f"`{name}` has no cut points",
        span,
        "only an outcome with an ordered distribution has",
        help=f"did you mean `{near}`?" if near else f"write `{name} ~ orderedlogistic(eta)`",
    )
    return None


# ---------------------------------------------------------------- types


def inferred_type(family: Family) -> DataType | None:
    """The type of an undeclared outcome of a distribution of labels."""
    match family.categories:
        case Categories.ORDERED:
            return DataType.ORDERED
        case Categories.UNORDERED:
            return DataType.FACTOR
        case None:
            return None


def check_labels(scope: Scope, target: Target, family: Family, span: Span) -> None:
    """Report an outcome that cannot be a label."""
    assert family.categories is not None
    spec = scope.data[target.name]
    if target.transform is not None:
        scope.report(
            "H304",
            f"`{text(target.expr)}` is a label, and labels have no functions",
            target.span,
            help=f"write `{target.name} ~ {family.name}(…)`",
        )
    if spec.expr is None and spec.type not in _TYPES[family.categories]:
        scope.report(
            "H304",
            f"`{spec.name}` is {spec.type.value} data, and `{family.name}` is of labels",
            span,
            others=(Label(spec.span, "declared here"),),
            help=f"declare it `{_declaration(spec, family)}`",
        )


def _declaration(spec: DataSpec, family: Family) -> str:
    if family.categories is Categories.UNORDERED:
        return f"data {spec.name} : factor"
    labels = ", ".join(spec.members) or "low, mid, high"
    return f"data {spec.name} : ordered {{{labels}}}"


def refuse_labels(scope: Scope, call: ast.Call) -> None:
    """Report a parameter with a distribution of labels."""
    scope.report(
        "H304",
        "a parameter cannot be a label",
        call.name_span,
        f"`{call.name}` is a distribution of an outcome",
        help="only data can be discrete; give the parameter a continuous distribution",
    )


def are_shares(scope: Scope, expr: ast.Expr | ast.LevelName) -> bool:
    """Whether an argument is a name with a distribution of shares that sum to 1."""
    spec = scope.parameters.get(expr.name) if isinstance(expr, ast.Ref) else None
    return spec is not None and spec.call is not None and spec.call.name == "dirichlet"


def refuse_shares(scope: Scope, outcome: str | None, span: Span) -> None:
    """Report probabilities where log odds are wanted."""
    scope.report(
        "H205",
        "`categorical` takes the log odds of the labels, not their probabilities",
        span,
        "of each label against the baseline",
        help=f"write `{outcome} ~ categorical(logit_p = alpha)` and `alpha[{outcome}] ~ "
        "normal(0, 1.5)`",
        notes=("with that prior every label may well be likely; `hdsl predict` tells how likely",),
    )


def check_axis(
    resolver: "Resolver", outcome: str, distribution: Distribution, domain: Domain
) -> None:
    """Report log odds that are the same for every label, or that are none."""
    family = FAMILIES.get(distribution.family)
    labelled = family is not None and family.categories is Categories.UNORDERED
    for name, expr in distribution.arguments:
        if labelled and isinstance(expr, Value) and are_shares(resolver.scope, ast.Ref(expr.name)):
            refuse_shares(resolver.scope, outcome, expr.span)
            continue
        allowed = argument_domain(distribution, name, domain)
        axis = distribution.along
        if len(allowed) > len(domain) and axis not in resolver.domain(expr):
            resolver.scope.report(
                "H206",
                f"`{name}` is the same for every label of `{outcome}`",
                expr.span if expr.span != NOWHERE else distribution.span,
                f"it does not vary over `{axis}`",
                help=f"let a coefficient have a value for each label: `alpha[{axis}] ~ 1`",
            )
