"""A predictor as a sum: data times one quantity each, and what is no such product.

Definitions are written out on the way, so that ``alpha + beta * x`` becomes products of the means,
slopes and deviations that alpha and beta are made of.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hdsl.expr import (
    Apply,
    Constant,
    Contraction,
    Expr,
    Label,
    Member,
    Summary,
    Value,
    apply,
    rewrite,
)
from hdsl.ir.model import Data, Definition, Deviations, Model, Parameter
from hdsl.ir.uses import expressions, values

ONE = Constant(1.0)


@dataclass(frozen=True)
class Term:
    """``factor``, which is data, times a quantity; the factor alone where there is none."""

    factor: Expr
    quantity: str | None


@dataclass
class Sum:
    """A predictor in parts: products with data, and the rest, which depends on ``names``."""

    terms: list[Term] = field(default_factory=list)
    rest: list[Expr] = field(default_factory=list)

    def factors(self) -> dict[str, Expr]:
        """For every quantity what multiplies it."""
        found: dict[str, Expr] = {}
        for term in self.terms:
            if term.quantity is not None:
                before = found.get(term.quantity)
                factor = term.factor if before is None else apply("+", before, term.factor)
                found[term.quantity] = factor
        return found

    def offset(self) -> Expr | None:
        """The part that is data alone."""
        return total(term.factor for term in self.terms if term.quantity is None)


def total(parts: Iterator[Expr]) -> Expr | None:
    """The sum of expressions; None where there are none."""
    found: Expr | None = None
    for part in parts:
        found = part if found is None else apply("+", found, part)
    return found


def as_sum(expr: Expr, model: Model) -> Sum:
    """The expression in parts."""
    if is_data(expr, model):
        return Sum([Term(written_out(expr, model), None)])
    match expr:
        case Value(name=name):
            return _of_quantity(expr, name, model)
        case Apply(function="+" | "-" as sign, arguments=(left, right)):
            first, second = as_sum(left, model), as_sum(right, model)
            if sign == "-":
                second = _times(second, Constant(-1.0))
            return Sum(first.terms + second.terms, first.rest + second.rest)
        case Apply(function="-", arguments=(inner,)):
            return _times(as_sum(inner, model), Constant(-1.0))
        case Apply(function="*", arguments=(left, right)) if is_data(left, model):
            return _times(as_sum(right, model), written_out(left, model))
        case Apply(function="*", arguments=(left, right)) if is_data(right, model):
            return _times(as_sum(left, model), written_out(right, model))
        case Apply(function="/", arguments=(left, right)) if is_data(right, model):
            return _times(as_sum(left, model), apply("/", ONE, written_out(right, model)))
        case _:
            return Sum(rest=[expr])


def _of_quantity(expr: Expr, name: str, model: Model) -> Sum:
    """A quantity by itself: taken apart if it is a definition, a term if it is one number per
    group or one in all.
    """
    match model.by_name[name]:
        case Definition(expr=inner):
            return as_sum(inner, model)
        case Parameter(domain=()):
            return Sum([Term(ONE, name)])
        case Deviations(shares=shares) if not any(share.axes for share in shares):
            return Sum([Term(ONE, name)])
        case _:
            return Sum(rest=[expr])


def _times(found: Sum, factor: Expr) -> Sum:
    return Sum(
        [Term(product(term.factor, factor), term.quantity) for term in found.terms],
        [product(part, factor) for part in found.rest],
    )


def product(left: Expr, right: Expr) -> Expr:
    """The product, without ones."""
    if left == ONE:
        return right
    return left if right == ONE else apply("*", left, right)


def written_out(expr: Expr, model: Model) -> Expr:
    """The expression with every definition in it written out."""

    def change(found: Expr) -> Expr | None:
        node = model.by_name.get(found.name) if isinstance(found, Value) else None
        return written_out(node.expr, model) if isinstance(node, Definition) else None

    return rewrite(expr, change)


def is_data(expr: Expr, model: Model) -> bool:
    """Whether an expression is known before anything is sampled."""
    match expr:
        case Constant() | Summary() | Label():
            return True
        case Value(name=name):
            node = model.by_name[name]
            if isinstance(node, Definition):
                return is_data(node.expr, model)
            return isinstance(node, Data) and not node.impute
        case Apply(arguments=arguments):
            return all(is_data(argument, model) for argument in arguments)
        case Member(of=of):
            return is_data(of, model)
        case Contraction(argument=argument):
            return is_data(argument, model)
        case _:
            return False


def needed(names: tuple[str, ...] | frozenset[str], model: Model) -> frozenset[str]:
    """The quantities that some others are computed from, by way of definitions, and themselves."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in found:
            continue
        found.add(name)
        node = model.by_name.get(name)
        if isinstance(node, Definition):
            left += [used for _, expr in expressions(node) for used in values(expr)]
    return frozenset(found)
