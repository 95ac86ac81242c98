"""Typed expressions: what a formula means once every name is resolved.

A node's type is its domain, the levels over which it varies, never a shape. Gathers are
not written here: they follow from the domains, and the backends insert them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from hdsl.source import NOWHERE, Span

Domain = tuple[str, ...]
"""Names of levels (and of block axes) in the order of the array's axes; () for a scalar."""

ROW = "row"
"""The built-in finest level."""


@dataclass(frozen=True, kw_only=True)
class _Node:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Constant(_Node):
    """A number written in the model."""

    value: float


@dataclass(frozen=True)
class Label(_Node):
    """A quoted label, legal only where a factor is compared with it."""

    text: str


@dataclass(frozen=True)
class Value(_Node):
    """The value of a quantity of the model, by its canonical name (``sd(alpha, market)``)."""

    name: str


@dataclass(frozen=True)
class Member(_Node):
    """One member of a quantity along one of its levels: ``alpha["Aitkin"]``."""

    of: "Value | Member"
    level: str
    label: str


@dataclass(frozen=True)
class Apply(_Node):
    """An operator or a function of the language (``+``, ``exp``, ``where``, ``<=``)."""

    function: str
    arguments: tuple["Expr", ...]


@dataclass(frozen=True)
class Summary(_Node):
    """A number learned from the training data: ``mean sd min max`` of a data expression.

    ``domain`` is the domain over which it is taken, each group once.
    """

    function: str
    argument: "Expr"
    domain: Domain


@dataclass(frozen=True)
class Block(_Node):
    """Columns side by side along the axis ``axis``; only ever the whole expression of a ``Data``.

    An item is a label and the expression of one column; or of several columns (one that varies over
    another block's axis, ``onehot(weekday)``) with what their names begin with: ``weekday`` of
    ``weekday:Mon``, or "" where they keep the names that they have.
    """

    axis: str
    items: tuple[tuple[str, "Expr"], ...]


@dataclass(frozen=True)
class Contraction(_Node):
    """The sum of an expression over a block's axis: ``X @ theta`` is that of ``X * theta``."""

    axis: str
    argument: "Expr"


@dataclass(frozen=True)
class Aggregate(_Node):
    """``total`` or ``average`` of an expression over all of its groups in each group of ``to``.

    ``weight`` is None where each group counts once; ``to`` is () for all groups together.
    """

    function: str
    argument: "Expr"
    to: Domain
    weight: "Expr | None" = None


Expr = Constant | Label | Value | Member | Apply | Summary | Block | Contraction | Aggregate


SEVERAL = ("onehot", "dummies", "spline", "spread", "columns")
"""Transforms of data that give several columns; as ``Apply`` they stand in a ``Block`` only."""

BROKEN: Expr = Constant(0.0)
"""Stands for an expression that was reported, so that one slip gives one diagnostic."""


def walk(expr: Expr) -> Iterator[Expr]:
    """The node and all nodes below it, parents first, in order of appearance."""
    pending: list[Expr] = [expr]  # no recursion: a sum of many terms is as deep as it is long
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(parts(node)))


def parts(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside one, in order of appearance."""
    match expr:
        case Member(of=of):
            return (of,)
        case Apply(arguments=arguments):
            return arguments
        case Summary(argument=argument) | Contraction(argument=argument):
            return (argument,)
        case Block(items=items):
            return tuple(item for _, item in items)
        case Aggregate(argument=argument, weight=weight):
            return (argument,) if weight is None else (argument, weight)
        case Constant() | Label() | Value():
            return ()


def names(expr: Expr) -> tuple[str, ...]:
    """The quantities that an expression uses, each once, in order of appearance."""
    return tuple(dict.fromkeys(e.name for e in walk(expr) if isinstance(e, Value)))


def rewrite(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The expression with every node for which ``change`` gives a value replaced, top down."""
    changed = change(expr)
    if changed is not None:
        return changed
    match expr:
        case Member(of=of):
            inner = rewrite(of, change)
            assert isinstance(inner, Value | Member)
            return replace(expr, of=inner)
        case Apply(arguments=arguments):
            return replace(expr, arguments=tuple(rewrite(a, change) for a in arguments))
        case Summary(argument=argument) | Contraction(argument=argument):
            return replace(expr, argument=rewrite(argument, change))
        case Block(items=items):
            return replace(expr, items=tuple((name, rewrite(e, change)) for name, e in items))
        case Aggregate(argument=argument, weight=weight):
            changed = None if weight is None else rewrite(weight, change)
            return replace(expr, argument=rewrite(argument, change), weight=changed)
        case Constant() | Label() | Value():
            return expr


def substitute(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    """The expression with each named value replaced.

    >>> substitute(apply("log", Value("phi")), {"phi": Constant(2.0)})
    Apply(function='log', arguments=(Constant(value=2.0),))
    """
    return rewrite(expr, lambda e: values.get(e.name) if isinstance(e, Value) else None)


def apply(function: str, *arguments: Expr | float | str) -> Expr:
    """A call written shortly: numbers become constants, strings values."""
    return Apply(function, tuple(lift(a) for a in arguments))


def lift(value: Expr | float | str) -> Expr:
    """An expression from a number or a name."""
    if isinstance(value, str):
        return Value(value)
    if isinstance(value, int | float):
        return Constant(float(value))
    return value
