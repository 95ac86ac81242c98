"""Syntax expressions to typed ones: every name gets its meaning, every value its domain."""

from dataclasses import replace

from hdsl.check.declare import level_argument, level_data, unsupported
from hdsl.check.domains import ancestors, is_crossing, outside, reaching, union
from hdsl.check.scope import CoefficientSpec, Scope, spell, text
from hdsl.check.spelling import nearest, quoted
from hdsl.check.targets import ACCESSORS
from hdsl.diagnostics.diagnostic import Label as Place
from hdsl.expr import (
    ROW,
    Apply,
    Constant,
    Domain,
    Expr,
    Label,
    Member,
    Summary,
    Value,
    names,
    walk,
)
from hdsl.families import FAMILIES
from hdsl.families.functions import FUNCTIONS
from hdsl.ir.model import DataType, LevelKind
from hdsl.source import Span
from hdsl.syntax import ast

LEARNING = ("standardize", "center")
LATER = (
    "average",
    "total",
    "new",
    "cut",
    "onehot",
    "dummies",
    "groupmean",
    "lag",
    "spline",
    "spread",
)
WRAPPERS = (
    "truncated", "censored", "zeroinflated", "hurdle", "mixture", "weighted", "increasing",
    "dirichlet", "randomwalk", "ar", "zerosum", "gp", "hsgp", "horseshoe", "categorical",
    "orderedlogistic",
)  # fmt: skip
BROKEN = Constant(0.0)  # stands for what was reported, so that one slip gives one diagnostic


class Resolver:
    """Resolves expressions against a scope; domains of names are found on demand and kept."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.definitions: dict[str, Expr] = {}
        self.domains: dict[str, Domain] = {}
        self.derived: dict[str, tuple[Expr, Domain, Span]] = {}
        self.quantities: dict[str, Domain] = {}  # implied ones, set by the coefficient statements
        self._open: list[str] = []
        self._in_data = False

    # ------------------------------------------------------------ domains

    def domain(self, expr: Expr) -> Domain:
        """The levels over which a resolved expression varies."""
        match expr:
            case Constant() | Label() | Summary():
                return ()
            case Value(name=name):
                return self.domain_of(name, expr.span)
            case Member(of=of, level=level):
                return tuple(name for name in self.domain(of) if name != level)
            case Apply(arguments=arguments):
                parts = [self.domain(argument) for argument in arguments]
                return union(self.scope.levels, parts)

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
        if spec.per is None:
            return (ROW,) if is_crossing(self.scope.levels, found) else found
        beyond = outside(self.scope.levels, found, (spec.per,))
        if beyond:
            self.blame(expr, (spec.per,), beyond, f"`{name}` is per `{spec.per}`")
        return (spec.per,)

    def derived_expr(self, name: str, span: Span) -> Expr:
        """The resolved expression of derived data."""
        spec = self.scope.data[name]
        assert spec.expr is not None
        if name not in self.definitions:
            if self._circular(name, span):
                return BROKEN
            self._open.append(name)
            was, self._in_data = self._in_data, True
            expr = self.resolve(spec.expr)
            self._in_data = was
            self._open.pop()
            strange = [n for n in names(expr) if n not in self.scope.data and n not in self.derived]
            if strange:
                self.scope.report(
                    "H207",
                    f"data cannot depend on {quoted(strange)}",
                    spec.expr.span,
                    "not data",
                    help=f"make it a definition: `{name} = {text(spec.expr)}`",
                )
                expr = BROKEN
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
            self.blame(self.definitions[name], spec.grid, beyond, f"`{text(spec.target.expr)}`")
        self.refuse_ambiguity(self.definitions[name], spec.grid)
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

    def refuse_ambiguity(self, expr: Expr, domain: Domain) -> None:
        """Report a coarser level that a grid reaches through two of its levels."""
        for node in walk(expr):
            for level in self.domain(node) if isinstance(node, Value | Member) else ():
                ways = reaching(self.scope.levels, domain, level)
                if len(ways) > 1:
                    self.scope.report(
                        "H214",
                        f"`{level}` can be reached in two ways here",
                        node.span,
                        f"both {quoted(ways)} lie in `{level}`",
                        help=f"which `{level}` is meant? keep the two parts apart, down to the rows",
                    )

    def blame(self, expr: Expr, domain: Domain, beyond: Domain, whose: str) -> None:
        """Report the operand that varies over a level which is not allowed where it stands."""
        level = beyond[0]
        culprit = expr
        for node in walk(expr):
            if isinstance(node, Value | Member) and level in self.domain(node):
                culprit = node
                break
        varies = f"varies over `{level}`"
        allowed = f"one value per {quoted(domain)}" if domain else "a single value"
        self.scope.report(
            "H206",
            f"{whose} is {allowed}, and this varies over `{level}`",
            culprit.span,
            varies,
            help=f"index the left side: `[{', '.join((*domain, level))}]`"
            if level != ROW
            else "a row-long value can stand in an outcome's distribution or a definition only",
        )

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
                return self._call(expr)
            case ast.Block():
                unsupported(self.scope, expr.span, "a block of columns")
                return BROKEN
            case ast.Unary(operand=operand):
                return Apply("-", (self.resolve(operand),), span=expr.span)
            case ast.Binary(op="@"):
                unsupported(self.scope, expr.span, "`@`")
                return BROKEN
            case ast.Binary(op=op, left=left, right=right):
                if op in ("==", "!=") and (
                    isinstance(left, ast.Text) or isinstance(right, ast.Text)
                ):
                    return self._compare_label(expr)
                return Apply(op, (self.resolve(left), self.resolve(right)), span=expr.span)

    def _compare_label(self, expr: ast.Binary) -> Expr:
        left, right = expr.left, expr.right
        if isinstance(left, ast.Text):
            left, right = right, left
        scope = self.scope
        if not isinstance(left, ast.Ref) or not isinstance(right, ast.Text) or left.index:
            scope.report("H308", "a label is compared with one factor", expr.span)
            return BROKEN
        name = left.name
        if name in scope.levels and name not in scope.data:
            if scope.levels[name].kind is not LevelKind.COLUMN:
                scope.report("H308", f"`{name}` has no labels of its own", left.span)
                return BROKEN
            level_data(scope, scope.levels[name])
        spec = scope.data.get(name)
        if spec is None:
            scope.report(
                "H308",
                f"`{name}` is not a factor",
                left.span,
                "a label can be compared with a column of labels only",
            )
            return BROKEN
        if spec.inferred and not spec.of_level:
            spec = scope.data[name] = replace(spec, type=DataType.FACTOR)
        if spec.type not in (DataType.FACTOR, DataType.ORDERED):
            scope.report(
                "H308",
                f"`{name}` is {spec.type.value} data, and a label is text",
                left.span,
                "compared with a label",
                help=f"declare it `data {name} : factor`",
                others=(Place(spec.span, "declared here"),),
            )
        if spec.members and right.value not in spec.members:
            near = nearest(right.value, spec.members)
            scope.report(
                "H212",
                f'`{name}` has no member "{right.value}"',
                right.span,
                help=f'did you mean "{near}"?' if near else None,
            )
        compared = Apply(
            expr.op,
            (Value(name, span=left.span), Label(right.value, span=right.span)),
            span=expr.span,
        )
        return self.hoist(compared, text(expr), expr.span)

    def hoist(self, expr: Expr, name: str, span: Span) -> Expr:
        """Derived data for what only data can compute; inside a `data` statement it stays as it is."""
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
                    f"{scope.levels[name].column or name} : real`",
                )
            elif name == "missing":
                scope.report("H207", "`missing` stands in a `data` statement only", expr.span)
            return BROKEN
        if name in scope.coefficients and expr.index:
            return self._coefficient_index(scope.coefficients[name], expr)
        value = Value(name, span=expr.span)
        return self.index(value, expr.index, self.domain_of(name, expr.span), expr.span)

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
                if scope.levels[level].kind is not LevelKind.FIXED:
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

    # ------------------------------------------------------------ calls

    def _call(self, expr: ast.Call) -> Expr:
        name = expr.name
        if name in ACCESSORS or name in ("min", "max"):
            found = self._accessor_or_summary(expr)
            if found is not None:
                return found
        if name in LATER:
            unsupported(self.scope, expr.span, f"`{name}`")
            return BROKEN
        if name in LEARNING:
            return self._learned(expr)
        if name in FAMILIES or name in WRAPPERS:
            self.scope.report(
                "H207",
                f"`{name}` is a distribution, not a function",
                expr.name_span,
                "a distribution stands right of `~` only",
                help=f"name the quantity: `x ~ {self.scope.source.slice(expr.span)}`",
            )
            return BROKEN
        function = FUNCTIONS.get(name)
        if function is None or function.internal or function.is_operator:
            near = nearest(name, (*FUNCTIONS, *ACCESSORS, *LEARNING))
            self.scope.report(
                "H204",
                f"unknown function `{name}`",
                expr.name_span,
                "no function has this name",
                help=f"did you mean `{near}`?" if near else None,
            )
            return BROKEN
        arguments = self._plain_arguments(expr)
        if arguments is None:
            return BROKEN
        count = len(arguments)
        if count != function.arity and (function.arity is not None or count < 2):
            wants = "two or more" if function.arity is None else str(function.arity)
            self.scope.report(
                "H205",
                f"`{name}` takes {wants} argument{'' if wants == '1' else 's'}, not {count}",
                expr.span,
                function.doc,
            )
            return BROKEN
        return Apply(name, arguments, span=expr.span)

    def _plain_arguments(self, expr: ast.Call) -> tuple[Expr, ...] | None:
        found: list[Expr] = []
        for arg in expr.args:
            if arg.keyword is not None or isinstance(arg.value, ast.LevelName):
                self.scope.report(
                    "H205", f"`{expr.name}` takes plain arguments only", arg.span, "not this"
                )
                return None
            found.append(self.resolve(arg.value))
        return tuple(found)

    def _learned(self, expr: ast.Call) -> Expr:
        if len(expr.args) != 1:
            if expr.name == "center" and len(expr.args) == 2:
                unsupported(self.scope, expr.span, "`center` within a level")
            else:
                self.scope.report("H205", f"`{expr.name}` takes one argument", expr.span)
            return BROKEN
        arguments = self._plain_arguments(expr)
        if arguments is None:
            return BROKEN
        if not self.is_data(arguments[0]):
            self.scope.report("H207", f"`{expr.name}` is for data", expr.span, "this is not data")
            return BROKEN
        return self.hoist(Apply(expr.name, arguments, span=expr.span), text(expr), expr.span)

    def _accessor_or_summary(self, expr: ast.Call) -> Expr | None:
        name = expr.name
        first = expr.args[0].value if expr.args else None
        if first is None or isinstance(first, ast.LevelName):
            return None
        bare = first.name if isinstance(first, ast.Ref) else None
        spec = self.scope.by_scale(text(_without_index(first)))
        if name in ACCESSORS and spec is not None:
            return self._accessor(expr, spec, first)
        if name in ("mean", "sd", "min", "max") and len(expr.args) == 1:
            argument = self.resolve(first)
            if self.is_data(argument):
                return self._summary(name, argument, expr.span)
            if name in ("min", "max"):
                self.scope.report("H205", f"`{name}` of one argument is for data", expr.span)
                return BROKEN
        if name in ACCESSORS and name not in ("new", "cut"):
            what = bare or text(first)
            inner = self.scope.coefficients.get(bare or _heart(first))
            self.scope.report(
                "H210",
                f"`{what}` is not a coefficient that varies over a level",
                first.span,
                f"`{name}` is asked of a coefficient",
                help=f"its statement names it `{inner.scale}`: write `{name}({inner.scale})`"
                if inner
                else f"give it a level: `{what} ~ region`",
            )
            return BROKEN
        return None

    def _summary(self, function: str, argument: Expr, span: Span) -> Expr:
        domain = self.domain(argument)
        if is_crossing(self.scope.levels, domain):
            domain = (ROW,)
        return Summary(function, argument, domain, span=span)

    def _accessor(self, expr: ast.Call, spec: CoefficientSpec, first: ast.Expr) -> Expr:
        found = self.accessor_names(expr.name, expr.args, spec, expr.span)
        if not found:
            return BROKEN
        if len(found) > 1:
            self.scope.report(
                "H210",
                f"`{text(expr)}` is several quantities here",
                expr.span,
                f"which of {quoted(found)}?",
                help=f"write `{found[0]}`",
            )
            return BROKEN
        index = _index_of(first)
        axes = tuple(a for a in self.quantities.get(found[0], ()) if a in spec.axes)
        if expr.name == "dev" and not spec.axes:
            axes = self.quantities.get(found[0], ())
        return self.index(Value(found[0], span=expr.span), index, axes, expr.span)

    def accessor_names(
        self, accessor: str, args: tuple[ast.Arg, ...], spec: CoefficientSpec, span: Span
    ) -> tuple[str, ...]:
        """The canonical names of the quantities that an accessor stands for; () if reported."""
        scope = self.scope
        level = level_argument(scope, args[-1]) if len(args) > 1 else None
        if level is not None and level not in spec.levels and accessor != "slope":
            near = quoted(spec.levels)
            scope.report(
                "H210",
                f"`{spec.scale}` does not vary over `{level}`",
                args[-1].span,
                f"it varies over {near}",
            )
            return ()
        match accessor:
            case "mean":
                if not spec.has_mean:
                    scope.report(
                        "H210",
                        f"`{spec.scale}` has no mean: its formula begins with 0",
                        span,
                        help="take `0 +` out of the formula",
                    )
                    return ()
                return (spell("mean", (spec.scale,), None),)
            case "sd" | "dev":
                wanted = (level,) if level else spec.levels
                return tuple(scope.quantity(accessor, spec, name) for name in wanted)
            case "slope":
                return self._slopes(args, spec, span)
            case _:
                return self._correlation(args, spec, level, span)

    def _slopes(
        self, args: tuple[ast.Arg, ...], spec: CoefficientSpec, span: Span
    ) -> tuple[str, ...]:
        known = [text(p) for term in spec.terms for p in term.predictors]
        if len(args) > 1 and not isinstance(args[1].value, ast.LevelName):
            wanted = text(args[1].value)
            if wanted not in known:
                near = nearest(wanted, known)
                self.scope.report(
                    "H210",
                    f"`{spec.scale}` is not regressed on `{wanted}`",
                    args[1].span,
                    f"its predictors: {quoted(known)}" if known else "it has no predictors",
                    help=f"did you mean `{near}`?" if near else None,
                )
                return ()
            known = [wanted]
        if not known:
            self.scope.report("H210", f"`{spec.scale}` has no group-level predictors", span)
        return tuple(spell("slope", (spec.scale, predictor), None) for predictor in known)

    def _correlation(
        self, args: tuple[ast.Arg, ...], spec: CoefficientSpec, level: str | None, span: Span
    ) -> tuple[str, ...]:
        subjects = [text(a.value) for a in args if not isinstance(a.value, ast.LevelName)]
        if level is not None and not isinstance(args[-1].value, ast.LevelName):
            subjects = subjects[:-1]
        for name in self.quantities:
            if name.startswith("cor(") and _same_pair(name, subjects, level):
                return (name,)
        matches = tuple(
            name
            for name in self.quantities
            if name.startswith("cor(") and level is None and _same_pair(name, subjects, ANY)
        )
        if not matches:
            self.scope.report(
                "H210",
                f"{quoted(subjects)} have no correlation",
                span,
                "they do not vary jointly over a level",
                help=f"write them in one statement: `{', '.join(subjects)} ~ region`",
            )
        return matches


ANY = "*"


def _same_pair(name: str, subjects: list[str], level: str | None) -> bool:
    """Whether a canonical `cor(a, b[, level])` is about these subjects at this level."""
    parts = name[4:-1].split(", ")
    if level is None:
        return sorted(parts) == sorted(subjects)
    if level == ANY:
        return sorted(parts[: len(subjects)]) == sorted(subjects)
    return parts[-1] == level and sorted(parts[:-1]) == sorted(subjects)


def _without_index(expr: ast.Expr) -> ast.Expr:
    match expr:
        case ast.Ref(name=name):
            return ast.Ref(name)
        case ast.Unary(op=op, operand=operand):
            return ast.Unary(op, _without_index(operand))
        case ast.Call(name=name, args=(arg,)) if not isinstance(arg.value, ast.LevelName):
            return ast.Call(name, (ast.Arg(_without_index(arg.value)),))
        case _:
            return expr


def _index_of(expr: ast.Expr) -> tuple[ast.LevelName | ast.Text, ...]:
    match expr:
        case ast.Ref(index=index):
            return index
        case ast.Unary(operand=operand):
            return _index_of(operand)
        case ast.Call(args=(arg,)) if not isinstance(arg.value, ast.LevelName):
            return _index_of(arg.value)
        case _:
            return ()


def _heart(expr: ast.Expr) -> str:
    match expr:
        case ast.Ref(name=name):
            return name
        case ast.Unary(operand=operand):
            return _heart(operand)
        case ast.Call(args=(arg, *_)) if not isinstance(arg.value, ast.LevelName):
            return _heart(arg.value)
        case _:
            return ""
