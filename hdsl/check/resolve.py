"""Syntax expressions to typed ones: every name gets its meaning, every value its domain."""

from hdsl.check.blocks import contract, is_block, resolve_block
from hdsl.check.calls import resolve_call
from hdsl.check.domains import ancestors, block_axes, grouped, is_crossing, outside, union
from hdsl.check.implied import Asked
from hdsl.check.impute import as_completed, refuse_imputed
from hdsl.check.misplaced import blame, refuse_ambiguity
from hdsl.check.of_data import compare_label, refuse_labels
from hdsl.check.scope import CoefficientSpec, Scope, text
from hdsl.check.spelling import nearest, quoted
from hdsl.expr import (
    BROKEN,
    ROW,
    Aggregate,
    Apply,
    Block,
    Constant,
    Contraction,
    Domain,
    Expr,
    Label,
    Member,
    Summary,
    Value,
    names,
)
from hdsl.source import Span
from hdsl.syntax import ast


class Resolver:
    """Resolves expressions against a scope; domains of names are found on demand and kept."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.definitions: dict[str, Expr] = {}
        self.domains: dict[str, Domain] = {}
        self.derived: dict[str, tuple[Expr, Domain, Span]] = {}
        self.quantities: dict[str, Domain] = {}  # implied ones, set by the coefficient statements
        self.newcomers: dict[str, Asked] = {}  # `new(b)`, by name
        self.outcome: str | None = None  # whose distribution is being resolved
        self._open: list[str] = []
        self._in_data = False

    @property
    def in_data(self) -> bool:
        """Whether what is being resolved stands in a `data` statement."""
        return self._in_data

    # ------------------------------------------------------------ domains

    def domain(self, expr: Expr) -> Domain:
        """The levels over which a resolved expression varies."""
        match expr:
            case Constant() | Label():
                return ()
            case Summary(argument=argument):
                return block_axes(self.scope.levels, self.domain(argument))
            case Value(name=name):
                return self.domain_of(name, expr.span)
            case Member(of=of, level=level):
                return tuple(name for name in self.domain(of) if name != level)
            case Apply(arguments=arguments):
                parts = [self.domain(argument) for argument in arguments]
                return union(self.scope.levels, parts)
            case Block(axis=axis, items=items):
                found = union(self.scope.levels, [self.domain(e) for _, e in items])
                levels = grouped(self.scope.levels, found)
                return (*(levels or (self.scope.data[axis].per or ROW,)), axis)
            case Contraction(axis=axis, argument=argument):
                return tuple(level for level in self.domain(argument) if level != axis)
            case Aggregate(to=to):
                return to

    def domain_of(self, name: str, span: Span) -> Domain:
        """The domain of a quantity by its canonical name."""
        scope = self.scope
        if name in self.quantities:
            return self.quantities[name]
        if name in self.derived:
            return self.derived[name][1]
        if name in self.domains:
            return self.domains[name]
        if name in scope.coefficients:
            found = self.coefficient_domain(scope.coefficients[name])
        elif name in scope.parameters:
            found = scope.parameters[name].axes
        elif name in scope.definitions:
            found = self._definition(name, span)
        elif name in scope.data:
            found = self._data_domain(name, span)
        else:
            return ()
        self.domains[name] = found
        return found

    def coefficient_domain(self, spec: CoefficientSpec, upto: str | None = None) -> Domain:
        """Domain of a coefficient's total, or of its inner total at a level."""
        finest = [(upto,)] if upto else [(term.path[-1],) for term in spec.terms]
        return (*union(self.scope.levels, finest), *spec.axes)

    def _data_domain(self, name: str, span: Span) -> Domain:
        spec = self.scope.data[name]
        if spec.expr is None:
            return (spec.per or ROW,)
        expr = self.derived_expr(name, span)
        found = self.domain(expr)
        axes = block_axes(self.scope.levels, found)
        if spec.per is None:
            return (ROW, *axes) if is_crossing(self.scope.levels, found) else found
        beyond = outside(self.scope.levels, found, (spec.per, *axes))
        if beyond:
            blame(self, expr, (spec.per,), beyond, f"`{name}`")
        return (spec.per, *axes)

    def derived_expr(self, name: str, span: Span) -> Expr:
        """The resolved expression of derived data."""
        spec = self.scope.data[name]
        assert spec.expr is not None
        if name not in self.definitions:
            if self._circular(name, span):
                return BROKEN
            self._open.append(name)
            was, self._in_data = self._in_data, True
            if is_block(spec.expr):
                expr = resolve_block(self, name, spec.expr)
            else:
                expr = self.resolve(spec.expr)
            self._in_data = was
            self._open.pop()
            refuse_imputed(self, names(expr), name)
            strange = [n for n in names(expr) if n not in self.scope.data and n not in self.derived]
            if strange:
                block = is_block(spec.expr)
                self.scope.report(
                    "H207",
                    f"data cannot depend on {quoted(strange)}",
                    spec.expr.span,
                    "not data",
                    help="the columns of a block are data"
                    if block
                    else f"make it a definition: `{name} = {text(spec.expr)}`",
                )
                expr = Block(name, ()) if block else BROKEN
            self.definitions[name] = expr
        return self.definitions[name]

    def _definition(self, name: str, span: Span) -> Domain:
        spec = self.scope.definitions[name]
        if name not in self.definitions:
            if self._circular(name, span):
                return ()
            self._open.append(name)
            self.definitions[name] = self.resolve(spec.expr)
            self._open.pop()
        found = self.domain(self.definitions[name])
        if spec.grid is None:
            return found
        beyond = outside(self.scope.levels, found, spec.grid)
        if beyond:
            blame(self, self.definitions[name], spec.grid, beyond, f"`{text(spec.target.expr)}`")
        refuse_ambiguity(self, self.definitions[name], spec.grid)
        return spec.grid

    def _circular(self, name: str, span: Span) -> bool:
        if name not in self._open:
            return False
        loop = (*self._open[self._open.index(name) :], name)
        self.scope.report(
            "H209",
            f"`{name}` is defined by itself",
            span,
            " -> ".join(loop),
            help="a definition uses what is known before it; break the circle",
        )
        return True

    # ------------------------------------------------------------ expressions

    def resolve(self, expr: ast.Expr) -> Expr:
        """The typed form of an expression."""
        match expr:
            case ast.Number(value=value):
                return Constant(value, span=expr.span)
            case ast.Text():
                self.scope.report(
                    "H308",
                    f'the label "{expr.value}" stands where a number is needed',
                    expr.span,
                    "a label can only be compared",
                    help=f'compare a factor with it: `sex == "{expr.value}"`',
                )
                return BROKEN
            case ast.Ref():
                return self._ref(expr)
            case ast.Call():
                return resolve_call(self, expr)
            case ast.Block() if text(expr) in self.scope.data:
                return Value(text(expr), span=expr.span)  # it stands after a bar
            case ast.Block():
                self.scope.report(
                    "H409",
                    "a block stands alone, or after a bar",
                    expr.span,
                    "columns side by side are no number",
                    help=f"name it: `data X = {text(expr)}`, and sum over it: `X @ theta`",
                )
                return BROKEN
            case ast.Unary(operand=operand):
                return Apply("-", (self.resolve(operand),), span=expr.span)
            case ast.Binary(op="@"):
                return contract(self, expr)
            case ast.Binary(op=op, left=left, right=right):
                if op in ("==", "!=") and (
                    isinstance(left, ast.Text) or isinstance(right, ast.Text)
                ):
                    return compare_label(self, expr)
                return Apply(op, (self.resolve(left), self.resolve(right)), span=expr.span)

    def hoist(self, expr: Expr, name: str, span: Span) -> Expr:
        """Derived data for what only data can compute; in a `data` statement it stays inline."""
        if self._in_data:
            return expr
        if name not in self.derived:
            found = self.domain(expr)
            if is_crossing(self.scope.levels, found):
                found = (ROW,)
            self.derived[name] = (expr, found, span)
        return Value(name, span=span)

    def is_data(self, expr: Expr) -> bool:
        """Whether an expression is made of data and constants alone."""
        return all(name in self.scope.data or name in self.derived for name in names(expr))

    # ------------------------------------------------------------ names

    def _ref(self, expr: ast.Ref) -> Expr:
        scope, name = self.scope, expr.name
        known = (scope.coefficients, scope.parameters, scope.definitions, scope.data)
        if not any(name in table for table in known):
            if name == "missing" and self._in_data:
                return Apply("missing", (), span=expr.span)
            if name in scope.levels:
                scope.report(
                    "H207",
                    f"`{name}` is a level, not a number",
                    expr.span,
                    "a number is needed here",
                    help=f"for the number in its column declare `data {name}_value from "
                    f"{scope.levels[name].column or name} : real per {name}`",
                )
            elif name == "missing":
                scope.report("H207", "`missing` stands in a `data` statement only", expr.span)
            return BROKEN
        if name in scope.coefficients and expr.index:
            return self._coefficient_index(scope.coefficients[name], expr)
        if refuse_labels(scope, expr):
            return BROKEN
        value = as_completed(self, Value(name, span=expr.span))
        axes = self.domain_of(name, expr.span)
        if name in scope.data and len(expr.index) == 1:
            axes = block_axes(scope.levels, axes) or axes
        return self.index(value, expr.index, axes, expr.span)

    def _coefficient_index(self, spec: CoefficientSpec, expr: ast.Ref) -> Expr:
        item = expr.index[0]
        if len(expr.index) == 1 and isinstance(item, ast.LevelName):
            level = self.scope.level_name(item)
            if level in spec.levels and self.coefficient_domain(spec) != (level, *spec.axes):
                return Value(text(expr), span=expr.span)
        axes = spec.axes if spec.axes else self.coefficient_domain(spec)
        if not spec.axes and len(axes) > 1:
            self.scope.report(
                "H207",
                f"`{spec.name}` is crossed: a sum of parts, never a grid",
                expr.span,
                help=f"take a part: {quoted(f'{spec.name}[{level}]' for level in axes)}",
            )
            return BROKEN
        return self.index(Value(spec.name, span=expr.span), expr.index, axes, expr.span)

    def index(
        self, value: Value, index: tuple[ast.LevelName | ast.Text, ...], axes: Domain, span: Span
    ) -> Expr:
        """Apply an index: levels are stated and change nothing, labels pick a member."""
        if not index:
            return value
        scope = self.scope
        if len(index) != len(axes):
            stated = [scope.level_name(i) for i in index if isinstance(i, ast.LevelName)]
            if len(stated) == len(index) and not outside(scope.levels, tuple(stated), axes):
                return value
            scope.report(
                "H206",
                f"`{value.name}` has {len(axes) or 'no'} level{'s' if len(axes) != 1 else ''} "
                f"and {len(index)} stand in the brackets",
                span,
                f"it varies over {quoted(axes)}" if axes else "a single value",
            )
            return BROKEN
        result: Value | Member = value
        for item, level in zip(index, axes, strict=True):
            if isinstance(item, ast.Text):
                label = item.value
            else:
                name = scope.level_name(item)
                if name == level or level in ancestors(scope.levels, name):
                    continue
                label = name
                if not scope.levels[level].kind.is_axis:
                    scope.report(
                        "H206",
                        f"`{value.name}` does not vary over `{name}`",
                        item.span,
                        f"it varies over {quoted(axes)}",
                        help=f'for one member write its label in quotes: `{value.name}["{name}"]`',
                    )
                    return BROKEN
            if not self.has_member(level, label, item.span):
                return BROKEN
            result = Member(result, level, label, span=span)
        return result

    def has_member(self, level: str, label: str, span: Span) -> bool:
        """Whether a level may have a member; reports it where its members are written out."""
        members = self.scope.levels[level].members
        if not members or label in members:
            return True
        near = nearest(label, members)
        self.scope.report(
            "H212",
            f"level `{level}` has no member `{label}`",
            span,
            help=f"did you mean `{near}`?" if near else f"its members are {quoted(members)}",
        )
        return False

    def plain_arguments(self, expr: ast.Call) -> tuple[Expr, ...] | None:
        """The arguments of a call that takes none by name; None if one is reported."""
        found: list[Expr] = []
        for arg in expr.args:
            if arg.keyword is not None or isinstance(arg.value, ast.LevelName):
                self.scope.report(
                    "H205", f"`{expr.name}` takes plain arguments only", arg.span, "not this"
                )
                return None
            found.append(self.resolve(arg.value))
        return tuple(found)
