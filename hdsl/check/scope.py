"""What every name of a file is: the symbol tables that one run of the check stage fills.

A ``Scope`` lives for one run and is the only thing here that changes; what leaves is frozen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hdsl.check.spelling import nearest
from hdsl.check.targets import Target
from hdsl.diagnostics.diagnostic import Diagnostic, Label, Severity
from hdsl.expr import Domain
from hdsl.families import FAMILIES
from hdsl.families.wrapper import WRAPPERS
from hdsl.ir.model import DataType, Lag, Level, LevelKind, Transform
from hdsl.source import Source, Span
from hdsl.syntax import ast
from hdsl.syntax.printer import print_expr

_ENOUGH = 100  # diagnostics, that is: nobody reads the suggestions of more


@dataclass(frozen=True)
class DataSpec:
    """A declared, derived or inferred column."""

    name: str
    span: Span
    column: str | None = None
    type: DataType = DataType.REAL
    members: tuple[str, ...] = ()
    per: str | None = None
    expr: ast.Expr | None = None
    drop: bool = False
    impute: bool = False
    inferred: bool = False
    hoisted: bool = False  # a block that stands after a bar
    of_level: bool = False  # made for a level whose labels an expression compares
    lag: Lag | None = None


@dataclass(frozen=True)
class TermSpec:
    """A term of a formula with its levels by name, coarsest first."""

    path: tuple[str, ...]
    predictors: tuple[ast.Expr, ...]
    span: Span


@dataclass(frozen=True)
class CoefficientSpec:
    """One target of a coefficient statement that varies over levels."""

    name: str
    scale: str
    subject: ast.Expr
    transform: Transform | None
    axes: Domain
    terms: tuple[TermSpec, ...]
    has_mean: bool
    statement: ast.Tilde
    target: Target

    @property
    def levels(self) -> tuple[str, ...]:
        """Every level of the formula, in its order."""
        return tuple(level for term in self.terms for level in term.path)


@dataclass(frozen=True)
class ParameterSpec:
    """A name with a distribution, or with a constant formula (``call`` is None), or implied."""

    name: str
    span: Span
    target: Target | None = None
    axes: Domain = ()
    call: ast.Call | None = None
    option: ast.With | None = None
    implied: bool = False
    statement: ast.Tilde | None = None


@dataclass(frozen=True)
class DefinitionSpec:
    """A name left of ``=``; ``grid`` is the index that asks for an array."""

    name: str
    span: Span
    target: Target
    expr: ast.Expr
    grid: Domain | None = None
    statement: ast.Define | ast.Report | None = None


@dataclass(frozen=True)
class Setting:
    """What a statement says of an implied quantity such as `sd(b, market)`, or of one member."""

    target: Target
    statement: ast.Tilde | ast.Define
    call: ast.Call | None = None  # of `~`
    expr: ast.Expr | None = None  # of `=`


SELF_CONTAINED = ("H202", "H215", "H301", "H302", "H306", "H401", "H408")
"""Errors that leave every expression readable."""


@dataclass
class Scope:
    """The symbol tables of one file, and the diagnostics found so far."""

    source: Source
    title: str | None = None
    declared_data: bool = False
    levels: dict[str, Level] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)  # of outcomes that are labels, by outcome
    misspelt: dict[str, str] = field(default_factory=dict)  # level names that were reported
    data: dict[str, DataSpec] = field(default_factory=dict)
    parameters: dict[str, ParameterSpec] = field(default_factory=dict)
    definitions: dict[str, DefinitionSpec] = field(default_factory=dict)
    coefficients: dict[str, CoefficientSpec] = field(default_factory=dict)
    outcomes: list[tuple[Target, ast.Tilde]] = field(default_factory=list)
    defaulted: set[str] = field(default_factory=set)  # imputed columns without a statement
    settings: list[Setting] = field(default_factory=list)
    pins: dict[str, list[Setting]] = field(default_factory=dict)
    reports: list[ast.Expr] = field(default_factory=list)
    spelled_with_level: set[tuple[str, str, str]] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def report(
        self,
        code: str,
        headline: str,
        span: Span,
        text: str = "",
        *,
        help: str | None = None,
        notes: tuple[str, ...] = (),
        others: tuple[Label, ...] = (),
    ) -> None:
        """Add a diagnostic."""
        self.diagnostics.append(Diagnostic(code, headline, Label(span, text), others, notes, help))

    def is_broken(self) -> bool:
        """Whether some expression could not be resolved, so that what it uses is not known."""
        return any(
            d.severity is Severity.ERROR and d.code not in SELF_CONTAINED for d in self.diagnostics
        )

    def all_names(self) -> Iterator[str]:
        """Every name that means something, for suggestions."""
        yield from self.data
        yield from self.parameters
        yield from self.definitions
        yield from self.coefficients
        yield from (name for name in self.levels if ":" not in name)

    def suggestion(self, name: str) -> str | None:
        """`did you mean …?` for an unknown name, if one is near."""
        if len(self.diagnostics) > _ENOUGH:
            return None  # each suggestion is a search among all names
        near = nearest(name, self.all_names())
        return f"did you mean `{near}`?" if near else None

    def by_scale(self, subject: str) -> CoefficientSpec | None:
        """The coefficient whose statement names it so: `b`, `log(sigma)`."""
        for spec in self.coefficients.values():
            if spec.scale == subject:
                return spec
        return None

    def level_name(self, name: ast.LevelName) -> str:
        """The name of a level or an interaction, as the levels table has it.

        A level declared as an interaction stands for its components, in whatever order.
        """
        names = tuple(self.misspelt.get(part, self.axis_of(part)) for part in name.names)
        if len(names) == 1:
            return names[0]
        for level in self.levels.values():
            named = ":" not in level.name and level.kind is LevelKind.CROSS
            if named and set(level.parents) == set(names):
                return level.name
        return ":".join(names)

    def axis_of(self, name: str) -> str:
        """The name of a level; an outcome's stands for the axis of its labels."""
        axis = self.axes.get(name, name)
        return (
            axis if axis in self.levels and self.levels[axis].kind is LevelKind.CATEGORY else name
        )

    def quantity(self, accessor: str, spec: CoefficientSpec, level: str | None) -> str:
        """The canonical name of an implied quantity, with its level where it needs one."""
        several = len(spec.levels) > 1
        if level is not None and not several:
            several = (accessor, spec.scale, level) in self.spelled_with_level
        return spell(accessor, (spec.scale,), level if several else None)


def member_with_prior(scope: Scope, setting: Setting) -> Setting:
    """One member of a vector with a prior of its own: a parameter, and the member set to it."""
    target, name = setting.target, text(setting.target.expr)
    assert setting.call is not None and isinstance(setting.statement, ast.Tilde)
    if name in scope.parameters:
        scope.report("H202", f"`{name}` is defined twice", target.span, "defined again here")
    else:
        scope.parameters[name] = ParameterSpec(
            name, target.span, target, (), setting.call, setting.statement.option
        )
    return replace(setting, call=None, expr=ast.Ref(name, span=target.span))


def spell(accessor: str, subjects: tuple[str, ...], level: str | None) -> str:
    """The name of a quantity: `sd(alpha, market)`, `cor(alpha, beta)`."""
    return f"{accessor}({', '.join((*subjects, *([level] if level else [])))})"


def text(expr: ast.Expr) -> str:
    """An expression as the formatter spells it."""
    return print_expr(expr)


INCREASING = "increasing"
"""What puts the values of a distribution in order; it is no row of a table."""


def is_distribution(name: str) -> bool:
    """Whether a name is that of a distribution, or of one made of others."""
    return name in FAMILIES or name in WRAPPERS or name == INCREASING


def level_data(scope: Scope, level: Level) -> str:
    """The name of the data that hold a level's labels, made if an expression compares them."""
    if level.name not in scope.data:
        per = level.name
        scope.data[level.name] = DataSpec(
            level.name,
            level.span,
            level.column,
            DataType.FACTOR,
            per=per,
            inferred=True,
            of_level=True,
        )
    return level.name
