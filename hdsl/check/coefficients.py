"""Coefficient statements: the quantities that `b ~ market / submarket | w` implies.

With z ~ normal(0, 1), the exact meaning is
b[L2] = mean(b) + slope(b, w) * w + sd(b, L1) * z1[L1 of L2] + sd(b, L2) * z2[L2]
(LANGUAGE §4.4), on the link scale where the statement has a link.
"""

from dataclasses import replace
from itertools import pairwise

from hdsl.check.accessors import accessor_names, column_of_slope
from hdsl.check.algebra import invert, total
from hdsl.check.correlations import Joint, joint_sets, register_correlations
from hdsl.check.domains import ancestors, block_axes, grouped, is_crossing, outside
from hdsl.check.implied import Implied, LevelPieces
from hdsl.check.mentions import strip_index
from hdsl.check.resolve import Resolver
from hdsl.check.scope import (
    CoefficientSpec,
    DefinitionSpec,
    ParameterSpec,
    Setting,
    member_with_prior,
    spell,
    text,
)
from hdsl.check.spelling import nearest, quoted
from hdsl.diagnostics.diagnostic import Label
from hdsl.expr import ROW, Constant, Domain, Expr, Value
from hdsl.ir.blocks import slope_term
from hdsl.ir.model import (
    Coefficient,
    DataType,
    Definition,
    Deviations,
    LevelKind,
    Part,
    Share,
)
from hdsl.syntax import ast


class Coefficients:
    """Works out what the coefficient statements of a file imply, in two steps.

    ``imply`` makes the implied quantities known by name, domain and setting, so that
    expressions can use them; ``build`` gives the nodes.
    """

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.scope = resolver.scope
        self.implied: dict[str, Implied] = {}
        self.joints: list[Joint] = []
        self.pieces: dict[str, list[LevelPieces]] = {}
        self._reported = frozenset(text(expr) for expr in self.scope.reports)

    # ------------------------------------------------------------ step 1

    def imply(self) -> None:
        """Register every implied quantity, then what statements say of them."""
        for spec in self.scope.coefficients.values():
            self._imply(spec)
        register_correlations(self.resolver)
        for setting in map(self._of_column, self.scope.settings):
            for name in self._named(setting):
                self._set(name, setting)
        self.joints = joint_sets(self.resolver)
        for joint in self.joints:
            if joint.scalar is not None:
                spec = joint.specs[0]
                self.implied[joint.scalar] = Implied("cor", spec, joint.level)
        for name, implied in self.implied.items():
            if name not in self.scope.definitions and name not in self.scope.parameters:
                span = implied.spec.target.span
                self.scope.parameters[name] = ParameterSpec(
                    name, span, axes=self.resolver.quantities.get(name, ())
                )

    def _imply(self, spec: CoefficientSpec) -> None:
        scope, quantities = self.scope, self.resolver.quantities
        if spec.has_mean:
            self._add(spell("mean", (spec.scale,), None), Implied("mean", spec), spec.axes)
        for term in spec.terms:
            for level in term.path:
                sd = Implied("sd", spec, level)
                self._add(scope.quantity("sd", spec, level), sd, spec.axes)
                quantities[scope.quantity("dev", spec, level)] = (level, *spec.axes)
                if self.resolver.coefficient_domain(spec) != (level, *spec.axes):
                    quantities[self.inner_name(spec, level)] = (level, *spec.axes)
            for predictor in term.predictors:
                name = spell("slope", (spec.scale, text(predictor)), None)
                factor, block = self._factor(predictor), self._block(predictor)
                axis = factor or block
                axes = (*spec.axes, axis) if axis else spec.axes
                if axis in spec.axes:
                    scope.report(
                        "H408",
                        f"`{spec.name}` is indexed by `{axis}` and regressed on it",
                        predictor.span,
                        "a block is one or the other",
                        help="write the columns after the bar as a block of their own: `| [a, b]`",
                    )
                self._add(name, Implied("slope", spec, factor, None, factor is not None), axes)

    def _add(self, name: str, implied: Implied, axes: Domain) -> None:
        self.implied[name] = implied
        self.resolver.quantities[name] = axes

    def inner_name(self, spec: CoefficientSpec, level: str) -> str:
        """`b[market]`, the total at an inner or crossed level."""
        return text(ast.Ref(spec.name, (ast.LevelName(tuple(level.split(":"))),)))

    def _factor(self, predictor: ast.Expr) -> str | None:
        """The level of a factor that stands after a bar: one slope per label."""
        if not isinstance(predictor, ast.Ref) or predictor.index:
            return None
        data = self.scope.data.get(predictor.name)
        if data is not None and data.type in (DataType.FACTOR, DataType.ORDERED):
            return predictor.name
        level = self.scope.levels.get(predictor.name)
        if data is None and level is not None and level.kind is LevelKind.COLUMN:
            return predictor.name
        return None

    def _block(self, predictor: ast.Expr) -> str | None:
        """The axis of a block that stands after a bar: one slope per column."""
        if text(predictor) in self.scope.data:
            domain = self.resolver.domain_of(text(predictor), predictor.span)
            return next(iter(block_axes(self.scope.levels, domain)), None)
        return None

    def _of_column(self, setting: Setting) -> Setting:
        """`slope(b, W[income])` as what it is about: a member of `slope(b, W)`."""
        target = setting.target
        arguments, index = column_of_slope(self.scope, target.accessor, target.arguments)
        whole = replace(target, arguments=arguments, index=(*target.index, *index))
        return replace(setting, target=whole)

    def _named(self, setting: Setting) -> tuple[str, ...]:
        target = setting.target
        assert target.accessor is not None
        first = target.arguments[0].value
        assert not isinstance(first, ast.LevelName)
        subject = text(strip_index(first))
        spec = self.scope.by_scale(subject)
        if spec is None:
            spec = self.scope.coefficients.get(target.name)
            if spec is not None:
                better = f"{target.accessor}({spec.scale})"
                help = f"its statement names it `{spec.scale}`: write `{better}`"
            elif target.name in self.scope.parameters or target.name in self.scope.data:
                help = f"give it a level: `{target.name} ~ region`"
            else:
                near = nearest(subject, [s.scale for s in self.scope.coefficients.values()])
                help = (
                    f"did you mean `{near}`?" if near else f"write `{target.name} ~ region` first"
                )
            self.scope.report(
                "H210",
                f"`{subject}` is not a coefficient that varies over a level",
                first.span,
                f"`{target.accessor}` is asked of a coefficient",
                help=help,
            )
            return ()
        if target.accessor == "dev":
            self.scope.report(
                "H210",
                "deviations are not set: their sd is",
                target.span,
                help=f"write `sd({spec.scale}) ~ …`",
            )
            return ()
        return accessor_names(self.resolver, target.accessor, target.arguments, spec, target.span)

    def _set(self, name: str, setting: Setting) -> None:
        scope, target = self.scope, setting.target
        if any(not self._is_axis(item) for item in target.index):
            if setting.call is not None:
                implied, member = self.implied[name], text(target.expr)
                self.implied[member] = Implied(implied.accessor, implied.spec, implied.level)
                setting = member_with_prior(scope, setting)
            scope.pins.setdefault(name, []).append(setting)
            return
        first = scope.parameters.get(name) or scope.definitions.get(name)
        if first is not None:
            place = first.target.span if first.target else target.span
            scope.report(
                "H202",
                f"`{name}` is defined twice",
                target.span,
                "defined again here",
                others=(Label(place, "first defined here"),),
                help="a quantity has one `~` or one `=`",
            )
            return
        if setting.call is not None:
            axes = self.resolver.quantities.get(name, ())
            option = setting.statement.option if isinstance(setting.statement, ast.Tilde) else None
            scope.parameters[name] = ParameterSpec(
                name, target.span, target, axes, setting.call, option, statement=None
            )
        else:
            assert setting.expr is not None and isinstance(setting.statement, ast.Define)
            self.resolver.quantities.pop(name, None)
            scope.definitions[name] = DefinitionSpec(
                name, target.span, target, setting.expr, None, setting.statement
            )

    def _is_axis(self, item: ast.LevelName | ast.Text) -> bool:
        return isinstance(item, ast.LevelName) and self.scope.level_name(item) in self.scope.levels

    # ------------------------------------------------------------ step 2

    def build(self) -> tuple[list[Definition | Deviations], list[Coefficient]]:
        """The deviations and totals of every coefficient, and what each statement said."""
        pieces = {spec.name: self._pieces(spec) for spec in self.scope.coefficients.values()}
        self.pieces = pieces
        nodes: list[Definition | Deviations] = []
        for joint in self.joints:
            nodes.append(self._deviations(joint, pieces))
        coefficients = []
        for spec in self.scope.coefficients.values():
            nodes.extend(self._totals(spec, pieces[spec.name]))
            coefficients.append(self._coefficient(spec, pieces[spec.name]))
        return nodes, coefficients

    def _pieces(self, spec: CoefficientSpec) -> list[LevelPieces]:
        """Term by term and level by level: slopes times predictors, and the deviation."""
        found: list[LevelPieces] = []
        for number, term in enumerate(spec.terms):
            entering: dict[str, list[tuple[str, Expr]]] = {level: [] for level in term.path}
            for predictor in term.predictors:
                name = spell("slope", (spec.scale, text(predictor)), None)
                if self.implied[name].baseline:
                    level = self._entry(term.path, (self._level_of_factor(predictor),), predictor)
                    entering[level].append((name, Constant(1.0)))
                    continue
                expr = self.resolver.resolve(predictor)
                domain = grouped(self.scope.levels, self.resolver.domain(expr))
                level = self._entry(term.path, domain, predictor)
                entering[level].append((name, expr))
                self.implied[name] = Implied("slope", spec, level, expr)
            for level in term.path:
                deviation = self.scope.quantity("dev", spec, level)
                slopes = tuple(
                    (slope, predictor, slope_term(slope, predictor, self.axis_of(predictor)))
                    for slope, predictor in entering[level]
                )
                found.append(LevelPieces(number, level, deviation, slopes))
        return found

    def axis_of(self, predictor: Expr) -> str | None:
        """The axis of a block among the group-level predictors."""
        axes = block_axes(self.scope.levels, self.resolver.domain(predictor))
        return axes[0] if axes else None

    def _level_of_factor(self, predictor: ast.Expr) -> str:
        assert isinstance(predictor, ast.Ref)
        data = self.scope.data.get(predictor.name)
        return data.per if data is not None and data.per else predictor.name

    def _entry(self, path: tuple[str, ...], domain: Domain, predictor: ast.Expr) -> str:
        """The coarsest level of a path at which a predictor is known."""
        for level in path:
            if not outside(self.scope.levels, domain, (level,)):
                return level
        self.scope.report(
            "H404",
            f"`{text(predictor)}` varies inside `{path[-1]}`",
            predictor.span,
            f"it lives on {quoted(domain)}",
            help=f"a group-level predictor has one value per `{path[-1]}`: declare its column "
            f"`per {path[-1]}`, or use it in the outcome's equation",
        )
        return path[-1]

    def _deviations(self, joint: Joint, pieces: dict[str, list[LevelPieces]]) -> Deviations:
        reported = self._reported
        shares = []
        for spec in joint.specs:
            mine = next(p for p in pieces[spec.name] if p.level == joint.level)
            shares.append(
                Share(
                    spec.scale,
                    mine.deviation,
                    self.scope.quantity("sd", spec, joint.level),
                    spec.axes,
                    self._centre(spec, pieces[spec.name], mine),
                    not reported.isdisjoint((mine.deviation, spell("dev", (spec.scale,), None))),
                )
            )
        subjects = ", ".join(spec.scale for spec in joint.specs)
        return Deviations(
            name=f"deviations({subjects}, {joint.level})",
            domain=(joint.level,),
            span=joint.specs[0].statement.span,
            level=joint.level,
            shares=tuple(shares),
            correlation=joint.scalar or joint.matrix,
            centred=any(self._says(spec, joint.level, "centered") for spec in joint.specs),
            apart=any(self._says(spec, joint.level, "noncentered") for spec in joint.specs),
        )

    def _centre(self, spec: CoefficientSpec, pieces: list[LevelPieces], mine: LevelPieces) -> Expr:
        parts: list[Expr] = []
        if spec.has_mean and mine.term == 0:
            parts.append(Value(spell("mean", (spec.scale,), None)))
        for piece in pieces:
            if piece.term != mine.term:
                continue
            parts += piece.slope_terms()
            if piece is mine:
                break
            parts.append(Value(piece.deviation))
        return total(parts)

    def _says(self, spec: CoefficientSpec, level: str, name: str) -> bool:
        """Whether the statement has an option of this name for a level."""
        option = spec.statement.option
        if option is None:
            return False
        return option.name == name and (not option.levels or level in option.levels)

    def _totals(self, spec: CoefficientSpec, pieces: list[LevelPieces]) -> list[Definition]:
        resolver, found = self.resolver, []
        mean: list[Expr] = [Value(spell("mean", (spec.scale,), None))] if spec.has_mean else []
        domain = resolver.coefficient_domain(spec)
        previous: Expr | None = None
        for piece in pieces:
            parts = [] if previous is not None else list(mean)
            if previous is None:
                for other in pieces:
                    if other.term == piece.term and other is not piece:
                        parts += [*other.slope_terms(), Value(other.deviation)]
                    elif other is piece:
                        break
            else:
                parts.append(previous)
            parts += [*piece.slope_terms(), Value(piece.deviation)]
            inner = (piece.level, *spec.axes)
            if inner != domain:
                name = self.inner_name(spec, piece.level)
                found.append(self._definition(spec, name, inner, total(parts)))
                chained = spec.transform is None and len(spec.terms) == 1
                previous = Value(name) if chained else None
            elif len(spec.terms) == 1:
                found.append(self._definition(spec, spec.name, domain, total(parts)))
        if len(spec.terms) > 1:
            parts = list(mean)
            for piece in pieces:
                parts += [*piece.slope_terms(), Value(piece.deviation)]
            found.append(self._definition(spec, spec.name, domain, total(parts)))
        return found

    def _definition(
        self, spec: CoefficientSpec, name: str, domain: Domain, expr: Expr
    ) -> Definition:
        levels = tuple(level for level in domain if level not in spec.axes)
        crossed = is_crossing(self.scope.levels, levels)
        wanted = name in self._reported
        return Definition(
            name=name,
            domain=domain,
            span=spec.statement.span,
            expr=invert(spec.transform, expr),
            laid_out=not crossed,
            recorded=not crossed and (wanted or ROW not in domain),
        )

    def _coefficient(self, spec: CoefficientSpec, pieces: list[LevelPieces]) -> Coefficient:
        domain = self.resolver.coefficient_domain(spec)
        chain = all(
            outer in ancestors(self.scope.levels, inner) for outer, inner in pairwise(spec.levels)
        )
        return Coefficient(
            spec.name,
            spec.scale,
            spec.transform,
            spec.axes,
            spell("mean", (spec.scale,), None) if spec.has_mean else None,
            tuple(
                Part(
                    piece.level,
                    piece.deviation,
                    self.scope.quantity("sd", spec, piece.level),
                    tuple((slope, predictor) for slope, predictor, _ in piece.slopes),
                )
                for piece in pieces
            ),
            domain,
            not chain,
            span=spec.statement.span,
        )
