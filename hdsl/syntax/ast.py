"""The syntax tree: what the text says, before any name has a meaning.

Every node carries its span, which takes no part in equality, so that
``parse(print(tree)) == tree`` can be tested.
"""

from dataclasses import dataclass, field

from hdsl.source import NOWHERE, Span


@dataclass(frozen=True, kw_only=True)
class Node:
    """Base of all syntax nodes."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class LevelName(Node):
    """``region`` or an interaction ``category : week``."""

    names: tuple[str, ...]


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True)
class Number(Node):
    """A number, with the text it was written as (``1e-3`` stays ``1e-3``)."""

    value: float
    text: str = field(compare=False)


@dataclass(frozen=True)
class Text(Node):
    """A quoted string: a label."""

    value: str


@dataclass(frozen=True)
class Ref(Node):
    """A name with an optional index: ``b``, ``b[period]``, ``alpha["Aitkin"]``."""

    name: str
    index: tuple[LevelName | Text, ...] = ()


@dataclass(frozen=True)
class Arg(Node):
    """An argument of a call; ``keyword`` is None where it goes by position.

    A ``LevelName`` stands here only for an interaction (``sd(b, category : week)``);
    a single name is a ``Ref`` until names are resolved.
    """

    value: "Expr | LevelName"
    keyword: str | None = None
    keyword_span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Call(Node):
    """A function, distribution or accessor: ``normal(0, 1)``, ``sd(b, market)``."""

    name: str
    args: tuple[Arg, ...]
    name_span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Block(Node):
    """``[promo, log_p2 = log(price)]``: an item is an ``Arg`` (its keyword is its label)."""

    items: tuple[Arg, ...]


@dataclass(frozen=True)
class Unary(Node):
    """Negation; ``op`` is ``-``."""

    op: str
    operand: "Expr"


@dataclass(frozen=True)
class Binary(Node):
    """``op`` is one of ``+ - * / ^ @ < <= > >= == !=``."""

    op: str
    left: "Expr"
    right: "Expr"


Expr = Number | Text | Ref | Call | Block | Unary | Binary

# A target, left of ``~`` or ``=``, is an Expr of these forms: Ref; Call of an accessor
# (``sd(b)``) or of a link (``log(sigma)``, ``log(-beta)``); ``target ^ number``.

# ---------------------------------------------------------------- formulas


@dataclass(frozen=True)
class Term(Node):
    """``market / submarket | income, x``: a nesting path and its group-level predictors."""

    path: tuple[LevelName, ...]
    predictors: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class ConstantTerm(Node):
    """The ``1`` or ``0`` of a formula; any other number is an error of the check stage."""

    number: Number
    predictors: tuple[Expr, ...] = ()  # only so that `1 | region` can be taught


@dataclass(frozen=True)
class Formula(Node):
    """The right side of a coefficient statement: a sum of terms."""

    terms: tuple[Term | ConstantTerm, ...]


# ---------------------------------------------------------------- statements


@dataclass(frozen=True)
class Title(Node):
    """``model "Demand by region"``."""

    text: str


@dataclass(frozen=True)
class LevelDecl(Node):
    """``level submarket from sub_id in market in country ordered``."""

    name: str
    column: str | None = None
    parents: tuple[str, ...] = ()
    ordered: bool = False
    name_span: Span = field(default=NOWHERE, compare=False, repr=False)
    parent_spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class LevelFixed(Node):
    """``level effect = {intercept, slope}``."""

    name: str
    members: tuple[str, ...]
    name_span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class LevelCross(Node):
    """``level period = category : week``; with one component an alias, which check refuses."""

    name: str
    components: tuple[str, ...]
    ordered: bool = False
    name_span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class DataColumn(Node):
    """``log_p from log_price``."""

    name: str
    column: str | None = None


@dataclass(frozen=True)
class DataDecl(Node):
    """``data log_p, promo : real impute per region``."""

    columns: tuple[DataColumn, ...]
    type: str
    members: tuple[str, ...] = ()  # of `ordered {low, mid, high}`
    impute: bool = False
    drop: bool = False
    per: LevelName | None = None
    type_span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class DataDerived(Node):
    """``data z_income = standardize(income) per region``."""

    name: str
    expr: Expr
    per: LevelName | None = None
    name_span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Report(Node):
    """``report mu, dev(beta)`` or ``report mu = …`` (then one target and an expression)."""

    targets: tuple[Expr, ...]
    expr: Expr | None = None


@dataclass(frozen=True)
class With(Node):
    """``with centered(store, week)``; an interaction stands in ``levels`` as ``category:week``."""

    name: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tilde(Node):
    """``targets ~ distribution`` or ``targets ~ formula``."""

    targets: tuple[Expr, ...]
    right: Call | Formula
    option: With | None = None


@dataclass(frozen=True)
class Define(Node):
    """``targets = expression``; several targets each equal the expression."""

    targets: tuple[Expr, ...]
    expr: Expr


Statement = (
    Title | LevelDecl | LevelFixed | LevelCross | DataDecl | DataDerived | Report | Tilde | Define
)


@dataclass(frozen=True)
class Comment(Node):
    """A comment with its ``#``; ``own_line`` tells it from one behind a statement."""

    text: str
    own_line: bool


@dataclass(frozen=True)
class File(Node):
    """A whole model file: its statements in order, and its comments in order.

    ``blank_lines`` holds the offset at which each empty line begins: paragraphs for the formatter.
    """

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)
    blank_lines: tuple[int, ...] = field(default=(), compare=False, repr=False)
