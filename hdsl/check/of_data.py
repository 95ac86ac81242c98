"""What only data can compute: comparisons with labels, and transforms that learn."""

from dataclasses import replace
from typing import TYPE_CHECKING

from hdsl.check.impute import as_known
from hdsl.check.scope import DataSpec, Scope, level_data, text
from hdsl.check.spelling import nearest
from hdsl.check.within import center_within
from hdsl.diagnostics.diagnostic import Label as Place
from hdsl.expr import BROKEN, Apply, Expr, Label, Summary, Value
from hdsl.ir.model import DataType, LevelKind
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver


def compare_label(resolver: "Resolver", expr: ast.Binary) -> Expr:
    """A factor compared with a label: 1 where they agree, as derived data."""
    left, right = expr.left, expr.right
    if isinstance(left, ast.Text):
        left, right = right, left
    scope = resolver.scope
    if not isinstance(left, ast.Ref) or not isinstance(right, ast.Text) or left.index:
        scope.report("H308", "a label is compared with one factor", expr.span)
        return BROKEN
    spec = as_factor(resolver, left)
    if spec is None:
        return BROKEN
    if spec.members and right.value not in spec.members:
        near = nearest(right.value, spec.members)
        scope.report(
            "H212",
            f'`{spec.name}` has no member "{right.value}"',
            right.span,
            help=f'did you mean "{near}"?' if near else None,
        )
    compared = Apply(
        expr.op,
        (Value(spec.name, span=left.span), Label(right.value, span=right.span)),
        span=expr.span,
    )
    return resolver.hoist(compared, text(expr), expr.span)


def refuse_labels(scope: Scope, ref: ast.Ref) -> bool:
    """Report declared labels where a number is needed; tells whether they are labels."""
    spec = scope.data.get(ref.name)
    if spec is None or spec.inferred or spec.type not in (DataType.FACTOR, DataType.ORDERED):
        return False
    scope.report(
        "H308",
        f"`{ref.name}` is {spec.type.value} data, and a number is needed here",
        ref.span,
        "labels cannot be added up or multiplied",
        help=f'compare it: `({ref.name} == "A")`; let a coefficient vary over it: '
        f"`b ~ {ref.name}`; or put its labels side by side: `[dummies({ref.name})]`",
        others=(Place(spec.span, "declared here"),),
    )
    return True


def as_factor(resolver: "Resolver", ref: ast.Ref) -> DataSpec | None:
    """The column of labels that a name means, of a level too; None where it has none."""
    scope, name = resolver.scope, ref.name
    if name in scope.levels and name not in scope.data:
        if scope.levels[name].kind is not LevelKind.COLUMN:
            scope.report("H308", f"`{name}` has no labels of its own", ref.span)
            return None
        level_data(scope, scope.levels[name])
    spec = scope.data.get(name)
    if spec is None:
        scope.report(
            "H308",
            f"`{name}` is not a factor",
            ref.span,
            "a column of labels is needed here",
        )
        return None
    if spec.inferred and not spec.of_level:
        spec = scope.data[name] = replace(spec, type=DataType.FACTOR)
    if spec.type not in (DataType.FACTOR, DataType.ORDERED):
        scope.report(
            "H308",
            f"`{name}` is {spec.type.value} data, and a label is text",
            ref.span,
            "labels are needed here",
            help=f"declare it `data {name} : factor`",
            others=(Place(spec.span, "declared here"),),
        )
    return spec


def _scaled(function: str, argument: Expr, known: Expr, resolver: "Resolver") -> Expr:
    """`standardize` or `center` by the mean and sd of what is known of the columns."""
    domain = resolver.domain(known)
    centred = Apply("-", (argument, Summary("mean", known, domain)))
    if function == "center":
        return centred
    return Apply("/", (centred, Summary("sd", known, domain)))


def learned(resolver: "Resolver", expr: ast.Call) -> Expr:
    """`standardize(x)` or `center(x)`, as derived data that remembers its mean and sd."""
    if expr.name == "center" and len(expr.args) == 2:
        return center_within(resolver, expr)
    if len(expr.args) != 1:
        resolver.scope.report("H205", f"`{expr.name}` takes one argument", expr.span)
        return BROKEN
    arguments = resolver.plain_arguments(expr)
    if arguments is None:
        return BROKEN
    known = as_known(arguments[0])
    if known != arguments[0] and resolver.is_data(known):  # with imputed columns: no data any more
        return _scaled(expr.name, arguments[0], known, resolver)
    if not resolver.is_data(arguments[0]):
        resolver.scope.report("H207", f"`{expr.name}` is for data", expr.span, "this is not data")
        return BROKEN
    return resolver.hoist(Apply(expr.name, arguments, span=expr.span), text(expr), expr.span)
