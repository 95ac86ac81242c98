"""`new(b)`: the coefficient of a group that is not among the data, as the population has it.

Its deviations are drawn anew, jointly for all coefficients that vary jointly, so that every use in
a model is about one and the same new group. Group-level predictors stand at their means over the
groups. `new(b, market)` is a new group inside each known market.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hdsl.check.algebra import invert, total
from hdsl.check.domains import ancestors
from hdsl.check.implied import Asked, LevelPieces
from hdsl.check.mentions import level_argument, strip_index
from hdsl.check.scope import CoefficientSpec, text
from hdsl.check.spelling import quoted
from hdsl.expr import BROKEN, Apply, Constant, Expr, Summary, Value, apply, names
from hdsl.families.family import REAL
from hdsl.ir.blocks import slope_term
from hdsl.ir.model import Definition, Distribution, Node, Parameter
from hdsl.ir.uses import expressions
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.coefficients import Coefficients
    from hdsl.check.correlations import Joint
    from hdsl.check.resolve import Resolver


def new_accessor(resolver: "Resolver", call: ast.Call) -> Expr:
    """The quantity that `new(b)` or `new(b, market)` means."""
    scope = resolver.scope
    first = call.args[0].value
    assert not isinstance(first, ast.LevelName)
    subject = text(strip_index(first))
    spec = scope.by_scale(subject) or scope.coefficients.get(subject)
    if spec is None or len(call.args) > 2:
        scope.report(
            "H210",
            f"`{subject}` is not a coefficient that varies over a level",
            first.span,
            "`new` is asked of a coefficient",
            help=f"give it a level: `{subject} ~ region`",
        )
        return BROKEN
    level = level_argument(scope, call.args[1]) if len(call.args) > 1 else None
    if resolver.outcome is not None:
        _refuse(resolver, text(call), call)
        return BROKEN
    if len(call.args) > 1 and not _inside(resolver, call, spec, level):
        return BROKEN
    at = () if level is None else (level,)
    asked = Asked(spec, at, subject == spec.name != spec.scale, call.span)
    resolver.newcomers.setdefault(asked.name, asked)
    domain = resolver.quantities[asked.name] = (*at, *spec.axes)
    index = first.index if isinstance(first, ast.Ref) else ()
    return resolver.index(Value(asked.name, span=call.span), index, spec.axes or domain, call.span)


def _inside(resolver: "Resolver", call: ast.Call, spec: CoefficientSpec, level: str | None) -> bool:
    """Whether something varies inside a level; reported where nothing does."""
    if level in spec.levels and _fresh(resolver, spec, (level,)):
        return True
    named = call.args[1].value
    data = resolver.scope.data.get(named.name) if isinstance(named, ast.Ref) else None
    if data is not None and data.inferred and resolver.scope.declared_data:
        return False  # an unknown name, which is reported as such
    outer = [name for name in spec.levels if _fresh(resolver, spec, (name,))]
    resolver.scope.report(
        "H210",
        f"`{spec.scale}` does not vary inside a group of `{text_of_level(call)}`",
        call.args[1].span,
        f"it varies over {quoted(spec.levels)}",
        help=f"a group that is new altogether is `new({spec.scale})`"
        + (
            f"; inside a known one: {quoted(f'new({spec.scale}, {n})' for n in outer)}"
            * bool(outer)
        ),
    )
    return False


def text_of_level(call: ast.Call) -> str:
    """The second argument as it is written."""
    level = call.args[1].value
    return ":".join(level.names) if isinstance(level, ast.LevelName) else text(level)


def _fresh(resolver: "Resolver", spec: CoefficientSpec, at: tuple[str, ...]) -> list[str]:
    """The levels of a coefficient at which the group is new."""
    known = {*at, *(above for level in at for above in ancestors(resolver.scope.levels, level))}
    return [level for level in spec.levels if level not in known]


# ---------------------------------------------------------------- nodes


@dataclass
class Newcomers:
    """Makes the nodes of the new groups that a model asks for."""

    coefficients: "Coefficients"
    pieces: dict[str, list[LevelPieces]]

    def nodes(self) -> list[Parameter | Definition]:
        """The standard deviates and the coefficients, each once."""
        resolver = self.coefficients.resolver
        found: dict[str, Parameter | Definition] = {}
        for asked in tuple(resolver.newcomers.values()):
            scaled = Asked(asked.spec, asked.at, False, asked.span)
            parts = self._known(asked)
            for level in _fresh(resolver, asked.spec, asked.at):
                sd = Value(resolver.scope.quantity("sd", asked.spec, level))
                deviate = self._deviate(scaled, level, found)
                parts.append(Apply("*", (sd, deviate)))
            expr = total(parts)
            transform = asked.spec.transform if asked.natural else None
            domain = (*asked.at, *asked.spec.axes)
            found[asked.name] = Definition(
                name=asked.name, domain=domain, span=asked.span, expr=invert(transform, expr)
            )
        return list(found.values())

    def _known(self, asked: Asked) -> list[Expr]:
        """The mean, predictors at their means, and what is known of the groups around."""
        resolver, spec = self.coefficients.resolver, asked.spec
        fresh = _fresh(resolver, spec, asked.at)
        parts: list[Expr] = [Value(f"mean({spec.scale})")] if spec.has_mean else []
        for piece in self.pieces[spec.name]:
            if piece.level not in fresh:
                parts += [*piece.slope_terms(), Value(piece.deviation)]
                continue
            for slope, predictor, _ in piece.slopes:
                if predictor == Constant(1.0):
                    self._refuse_factor(asked)
                    continue
                mean = Summary("mean", predictor, (piece.level,))
                axis = self.coefficients.axis_of(predictor)
                parts.append(slope_term(slope, mean, axis))
        return parts

    def _refuse_factor(self, asked: Asked) -> None:
        self.coefficients.scope.report(
            "H210",
            f"`{asked.name}` would need a label of the factor that `{asked.spec.scale}` is "
            "regressed on",
            asked.span,
            "a factor has no mean",
            help=f"write it out: `mean({asked.spec.scale}) + slope({asked.spec.scale}, …) + …`",
        )

    def _deviate(self, asked: Asked, level: str, found: dict[str, Parameter | Definition]) -> Expr:
        """The standard deviate of a coefficient at a level, with its correlations put in."""
        joint = next(
            j for j in self.coefficients.joints if j.level == level and asked.spec in j.specs
        )
        names_of = self._asked_together(joint, asked)
        mine = [spec for spec in joint.specs if spec.name in names_of]
        if joint.axis is not None:
            z = self._z(asked.spec, level, asked, found)
            return apply("correlated along", joint.matrix or "", z)
        if len(mine) == 1:
            return self._z(asked.spec, level, asked, found)
        deviates = [self._z(spec, level, asked, found) for spec in joint.specs]
        place = joint.specs.index(asked.spec)
        if joint.scalar is None:
            return apply("correlated", joint.matrix or "", float(place), *deviates)
        if place == 0:
            return deviates[0]
        rho = Value(joint.scalar)
        root = apply("sqrt", apply("-", 1.0, apply("^", rho, 2.0)))
        return apply("+", apply("*", rho, deviates[0]), apply("*", root, deviates[1]))

    def _asked_together(self, joint: "Joint", asked: Asked) -> set[str]:
        """The coefficients of a joint set whose new group is asked for at the same place."""
        others = self.coefficients.resolver.newcomers.values()
        return {o.spec.name for o in others if o.at == asked.at and o.spec in joint.specs}

    def _z(
        self,
        spec: CoefficientSpec,
        level: str,
        asked: Asked,
        found: dict[str, Parameter | Definition],
    ) -> Expr:
        inside = f", {level}" if len(spec.levels) > 1 else ""
        around = f" in {asked.at[0]}" if asked.at else ""
        name = f"z(new({spec.scale}{inside}){around})"
        if name not in found:
            standard = (("mu", Constant(0.0)), ("sigma", Constant(1.0)))
            found[name] = Parameter(
                name=name,
                domain=(*asked.at, *spec.axes),
                span=asked.span,
                support=REAL,
                distribution=Distribution("normal", standard),
                hidden=True,
            )
            self.coefficients.resolver.quantities[name] = (*asked.at, *spec.axes)
        return Value(name)


# ---------------------------------------------------------------- where they may stand


def check_newcomers(resolver: "Resolver", nodes: Iterable[Node]) -> None:
    """Report a distribution that would learn of a group without data."""
    tainted = set(resolver.newcomers)
    nodes = tuple(nodes)
    grown = True
    while grown:
        before = len(tainted)
        tainted |= {
            node.name
            for node in nodes
            if isinstance(node, Definition) and not tainted.isdisjoint(_uses(node))
        }
        grown = len(tainted) > before
    for node in nodes:
        if isinstance(node, Definition) or tainted.isdisjoint(_uses(node)):
            continue
        place = next(iter(resolver.newcomers.values()))
        resolver.scope.report(
            "H207",
            f"`{node.name}` cannot depend on `{place.name}`",
            node.span,
            "a group without data teaches nothing",
            help="`new` stands in definitions that no distribution uses",
        )


def _uses(node: Node) -> set[str]:
    return {name for _, expr in expressions(node) for name in names(expr)}


def _refuse(resolver: "Resolver", written: str, call: ast.Call) -> None:
    resolver.scope.report(
        "H207",
        f"`{written}` stands in definitions only",
        call.span,
        "a group without data teaches nothing",
        help="the outcome's distribution takes the coefficient itself",
    )
