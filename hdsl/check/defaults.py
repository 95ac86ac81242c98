"""Default priors (LANGUAGE §7): weakly informative, scaled by the data, each with its rule.

A default is an ordinary distribution whose arguments hold summaries of the data (`sd(log_q)`);
the generated `prepare` computes them, and `hdsl expand` writes them out.
"""

from hdsl.check.algebra import forward
from hdsl.check.cuts import beside_cuts, cuts_rule
from hdsl.check.domains import block_axes, grouped, outside
from hdsl.check.frames import ONE, ZERO, Default, Frame, call, mean_rule, normal, over, plus, times
from hdsl.check.implied import Implied
from hdsl.check.impute import as_known
from hdsl.check.predictor import NodeOf, Predictors, Use, is_location
from hdsl.check.resolve import Resolver
from hdsl.check.scope import ParameterSpec
from hdsl.check.structures import structure_default
from hdsl.expr import ROW, Aggregate, Apply, Constant, Contraction, Expr, Summary, Value, rewrite
from hdsl.families import FAMILIES, Role
from hdsl.families.family import POSITIVE, REAL, UNIT, Support
from hdsl.families.formula import formula
from hdsl.ir.blocks import has_constant
from hdsl.ir.model import Data, Distribution, Outcome, Parameter, Transform
from hdsl.ir.text import text_of
from hdsl.ir.wrapped import every, heart, leaves


class Defaults:
    """Finds default priors once the outcomes and the written priors are resolved."""

    def __init__(
        self,
        resolver: Resolver,
        outcomes: tuple[Outcome, ...],
        written: tuple[Parameter, ...],
        node_of: NodeOf,
    ) -> None:
        self.resolver = resolver
        self.node_of = node_of
        # what several use goes by the first of them, which the order of the statements must not say
        self.of_outcomes = Predictors(_by_name(outcomes), node_of)
        self.of_priors = Predictors(sorted(written, key=lambda each: each.name), node_of)

    def of(self, spec: ParameterSpec, implied: Implied | None, support: Support) -> Default | None:
        """The default prior of a parameter; None where no rule fits."""
        found = self._of(spec, implied, support)
        own = self.resolver.quantities.get(spec.name, spec.axes)
        for _, expr in () if found is None else found.distribution.arguments:
            if block_axes(self.resolver.scope.levels, self.resolver.domain(expr)) and outside(
                self.resolver.scope.levels, self.resolver.domain(expr), own
            ):
                return None  # one number for columns of different scales
        return found

    def _of(self, spec: ParameterSpec, implied: Implied | None, support: Support) -> Default | None:
        if implied is None:
            transform = spec.target.transform if spec.target else None
            return self._of_name(spec.name, support, transform)
        if implied.accessor == "cor":
            return Default(call("lkj", eta=Constant(2.0)), "correlations: lkj(2)")
        frame = self.frame(implied.spec.name, implied.spec.transform)
        if frame is None:
            return None
        name = implied.spec.scale
        match implied.accessor:
            case "mean":
                return Default(normal(frame.centre, frame.wide), mean_rule(frame))
            case "sd":
                return Default(
                    call("halfnormal", sigma=frame.scale), f"group sd: the scale of {frame.what}"
                )
            case _:
                if implied.predictor is None:
                    return Default(
                        normal(ZERO, frame.scale), f"slope on a factor: the scale of `{name}`"
                    )
                if not self.resolver.is_data(as_known(implied.predictor)):
                    return None
                spread = self._unit(implied.predictor)
                return Default(
                    normal(ZERO, over(frame.scale, spread)),
                    f"group-level slope: the scale of `{name}` over the predictor's sd",
                )

    # ------------------------------------------------------------ frames

    def frame(self, name: str, transform: Transform | None, depth: int = 0) -> Frame | None:
        """Where a quantity is expected to lie, on its link scale; None where no rule fits."""
        if depth > 20:
            return None
        found = self.of_outcomes.uses(name)
        if found is None:
            return None
        if not found:
            return self._inherited(name, transform, depth)
        use = next((u for u in found if is_location(u)), found[0])
        return self._frame(use, transform)

    def _inherited(self, name: str, transform: Transform | None, depth: int) -> Frame | None:
        """A quantity that only priors use is placed like the parameters that have the prior."""
        found = self.of_priors.uses(name)
        for use in found or ():
            assert isinstance(use.user, Parameter)
            frame = self.frame(use.user.name, use.user.transform, depth + 1)
            if frame is None:
                continue
            if use.parameter.role is Role.SCALE:
                own = Frame(ZERO, frame.scale, frame.scale, f"`{use.user.name}`", frame.linked)
                return own if transform is None else self._on_own_link(own, transform)
            if use.parameter.role is Role.LOCATION and use.multiplier is None:
                return frame
            if use.parameter.role is Role.LOCATION and use.multiplier is not None:
                scale = over(frame.scale, self._summary("sd", use.multiplier))
                return Frame(
                    ZERO, scale, scale, f"the slope on `{text_of(use.multiplier)}`", frame.linked
                )
        return None

    def _frame(self, use: Use, transform: Transform | None) -> Frame | None:
        assert isinstance(use.user, Outcome)
        link = use.link
        if link is None and transform is not None and use.direct and not transform.negated:
            link, transform = transform.link, None  # `log(mu) ~ region` is a link of the outcome
        if not is_location(use):
            return self._scale_frame(use, link)
        if (
            link is None
            and use.parameter.role is Role.RATE
            and transform is None
            and not use.direct
        ):
            return None  # a rate on its own scale that is a sum: no rule
        scale: Expr = Constant(2.5)
        if link is None:
            scale = times(scale, self._outcome_summary("sd", use))
        if use.multiplier is not None:
            frame = self._slope_frame(use, use.multiplier, scale, link)
        else:
            centre = self._centre(use, link)
            wide = scale
            for other in use.others:
                if not self._is_centred(other):
                    wide = plus(wide, self._shift(scale, other))
            frame = Frame(centre, scale, wide, "the intercept", link is not None)
        return frame if transform is None else self._on_own_link(frame, transform)

    def _slope_frame(self, use: Use, multiplier: Expr, scale: Expr, link: str | None) -> Frame:
        """Where a slope lies; in a block with a number among its columns, so an intercept too."""
        what = f"the slope on `{text_of(multiplier)}`"
        spread = self._summary("sd", multiplier)
        own = over(scale, spread)
        if not has_constant(multiplier, self.node_of):
            return Frame(ZERO, own, own, what, link is not None)
        varies, known = Apply(">", (spread, ZERO)), self._unit(multiplier)
        each = over(self._summary("mean", multiplier), known)
        wide = Apply("sqrt", (Contraction(self.resolver.domain(each)[0], times(each, each)),))
        own = over(scale, known)
        return Frame(
            Apply("where", (varies, ZERO, self._centre(use, link))),
            own,
            Apply("where", (varies, own, times(scale, wide))),
            what,
            link is not None,
        )

    def _on_own_link(self, frame: Frame, transform: Transform) -> Frame | None:
        """A coefficient with a link of its own: within a factor of e or so of the usual size."""
        if transform.link != "log":
            return Frame(ZERO, ONE, Constant(1.5), frame.what, frame.linked)
        size = frame.scale
        match size:
            case Apply(function="*", arguments=(Constant(value=2.5), rest)):
                size = rest
            case Apply(function="/", arguments=(Apply(function="*", arguments=(_, above)), below)):
                size = over(above, below)
            case Apply(function="/", arguments=(Constant(), below)):
                size = over(ONE, below)
            case _:
                size = ONE
        return Frame(Apply("log", (size,)), ONE, ONE, f"the log size of {frame.what}", frame.linked)

    def _scale_frame(self, use: Use, link: str | None) -> Frame | None:
        """A scale or shape that is modelled itself: on its log scale only."""
        if use.parameter.role is Role.SHARE and link == "logit":
            return self._share_frame(use)
        if link != "log":
            return None
        if use.parameter.role is Role.SCALE and use.multiplier is None:
            centre: Expr = Apply("log", (self._outcome_summary("sd", use),))
            return Frame(centre, ONE, ONE, "the log residual scale", True)
        scale: Expr = ONE
        if use.multiplier is not None:
            scale = over(ONE, self._summary("sd", use.multiplier))
            return Frame(ZERO, scale, scale, f"the slope on `{text_of(use.multiplier)}`", True)
        return Frame(ZERO, ONE, Constant(2.5), "the log shape", True)

    def _share_frame(self, use: Use) -> Frame:
        """The log odds of a share of zeros: every share about as likely as any other."""
        if use.multiplier is None:
            return Frame(ZERO, ONE, Constant(1.5), "the log odds of a share", True)
        scale = over(ONE, self._summary("sd", use.multiplier))
        return Frame(ZERO, scale, scale, f"the slope on `{text_of(use.multiplier)}`", True)

    # ------------------------------------------------------------ parameters that stand alone

    def _of_name(self, name: str, support: Support, transform: Transform | None) -> Default | None:
        intercept = beside_cuts(name, self.of_outcomes)
        frame = self._frame(intercept, None) if intercept is not None else None
        if frame is not None:
            return Default(normal(ZERO, frame.wide), cuts_rule(frame.wide != frame.scale))
        both = [self.of_outcomes.uses(name), self.of_priors.uses(name)]
        for use in () if None in both else (use for found in both for use in found or ()):
            if use.direct and use.link is None and transform is None:
                if isinstance(use.user, Outcome) and use.parameter.default is not None:
                    return self._by_role(use)
                if isinstance(use.user, Parameter):
                    default = self._of_prior(use, use.user, name)
                    if default is not None:
                        return default
        if transform is None and support.within(UNIT):
            flat = call("beta", alpha=ONE, beta=ONE)
            return Default(flat, "a probability: every value as likely")
        if transform is None and not REAL.within(support):
            return self._positive(name, support)
        frame = self.frame(name, transform)
        if frame is None:
            return None
        return Default(normal(frame.centre, frame.wide), mean_rule(frame))

    def _of_prior(self, use: Use, user: Parameter, name: str) -> Default | None:
        """A bare argument of a prior: by its role in a structure, or a scale."""
        if heart(user.distribution).structure is not None:
            frame = self.frame(user.name, user.transform)
            found = structure_default(use, user, None if frame is None else frame.scale)
            what = f"`{use.parameter.name}` of `{user.distribution.family}`, for `{user.name}`"
            return None if found is None else Default(found, what)
        frame = self.frame(name, None) if use.parameter.role is Role.SCALE else None
        if frame is None:
            return None
        scale = call("halfnormal", sigma=frame.scale)
        return Default(scale, f"a scale: that of `{user.name}`")

    def _positive(self, name: str, support: Support) -> Default | None:
        found = self.of_outcomes.uses(name)
        if not found or not support.within(POSITIVE) or not found[0].direct:
            return None
        mean = self._outcome_summary("mean", found[0])
        rate = over(ONE, mean)
        return Default(call("exponential", rate=rate), "a positive mean: that of the outcome")

    def _by_role(self, use: Use) -> Default:
        assert use.parameter.default is not None and isinstance(use.user, Outcome)
        written = formula(use.parameter.default.format(y="outcome_"))
        assert isinstance(written, Apply)
        family = FAMILIES[written.function]
        arguments = tuple(
            (p.name, self._fill(value, use))
            for p, value in zip(family.parameters, written.arguments, strict=True)
        )
        role = "residual scale" if use.parameter.role is Role.SCALE else f"`{use.parameter.name}`"
        return Default(
            Distribution(family.name, arguments),
            f"{role} of `{use.distribution.family}`",
        )

    def _fill(self, expr: Expr, use: Use) -> Expr:
        """The summaries of the outcome in a default of the families table."""
        assert isinstance(use.user, Outcome)
        value, domain = _values(use.user), use.user.domain

        def change(node: Expr) -> Expr | None:
            match node:
                case Value(name="outcome_"):
                    return value
                case Apply(function="sd" | "mean" as function, arguments=(argument,)):
                    return Summary(function, rewrite(argument, change), domain)
                case Summary(function=function, argument=argument):
                    return Summary(function, rewrite(argument, change), domain)
                case _:
                    return None

        return rewrite(expr, change)

    # ------------------------------------------------------------ summaries of the data

    def _outcome(self, use: Use) -> Expr:
        """The outcome on the scale of its distribution's location."""
        assert isinstance(use.user, Outcome)
        value = _values(use.user)
        family = heart(use.user.distribution)
        if use.parameter.support == REAL and family.support.lower == 0.0:
            value = Apply("log", (value,))  # the location of a lognormal is that of the log
        return value

    def _outcome_summary(self, function: str, use: Use) -> Expr:
        assert isinstance(use.user, Outcome)
        return Summary(function, self._outcome(use), use.user.domain)

    def _summary(self, function: str, expr: Expr) -> Expr:
        expr = as_known(expr)
        domain = grouped(self.resolver.scope.levels, self.resolver.domain(expr))
        return Summary(function, expr, domain if len(domain) == 1 else (ROW,))

    def _centre(self, use: Use, link: str | None) -> Expr:
        """The outcome's mean on the link scale, kept finite where all of it is 0 or 1."""
        assert isinstance(use.user, Outcome)
        leaf = leaves(use.user.distribution)[0]
        family = FAMILIES[leaf.family]
        if family.categories is not None:
            return ZERO  # labels have no mean
        mean = self._outcome_summary("mean", use)
        for parameter in family.parameters:
            if parameter.role is Role.SIZE:
                size = dict(leaf.arguments)[parameter.name]
                if not isinstance(size, Constant):
                    size = Summary("mean", size, use.user.domain)
                mean = over(mean, size)
        match link:
            case None:
                return mean
            case "log":
                return Apply("log", (Apply("max", (mean, Constant(0.01))),))
            case _:
                bounded = Apply("clip", (mean, Constant(0.01), Constant(0.99)))
                return Apply(link, (bounded,))

    def _unit(self, expr: Expr) -> Expr:
        """The sd of a predictor; 1 for a number among the columns of a block, which has none."""
        spread = self._summary("sd", expr)
        if not has_constant(expr, self.node_of):
            return spread
        return Apply("where", (Apply(">", (spread, ZERO)), spread, ONE))

    def _shift(self, scale: Expr, other: Expr) -> Expr:
        """How far from the outcome's mean a predictor that is not centred may put the intercept.

        The columns of a block do so independently: the root of the sum of their squares.
        """
        mean, spread = self._summary("mean", other), self._summary("sd", other)
        axes = self.resolver.domain(spread)
        if not axes:
            return over(times(scale, Apply("abs", (mean,))), spread)
        each = over(mean, spread)
        return times(scale, Apply("sqrt", (Contraction(axes[0], Apply("*", (each, each))),)))

    def _is_centred(self, expr: Expr) -> bool:
        match expr:
            case Apply(function="standardize" | "center"):
                return True
            case Apply(function="-", arguments=(left, Summary(function="mean", argument=inner))):
                return as_known(left) == inner
            case Apply(function="-", arguments=(left, Aggregate(argument=inner))):
                return left == inner  # within groups
            case Apply(function="/", arguments=(left, Summary(function="sd"))):
                return self._is_centred(left)
            case Value(name=name):
                derived = self.resolver.derived.get(name)
                if derived is not None:
                    return self._is_centred(derived[0])
                node = self.node_of(name)
                return (
                    isinstance(node, Data) and node.expr is not None and self._is_centred(node.expr)
                )
            case _:
                return False


def _by_name(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    """The outcomes in alphabetical order, predictors with missing values behind the others."""
    return sorted(outcomes, key=lambda outcome: (outcome.imputed, outcome.name))


def _values(outcome: Outcome) -> Expr:
    """What an outcome's distribution is of; where zeros stand apart from it, the others' mean."""
    value = forward(outcome.transform, Value(outcome.name))
    apart = any(d.family == "hurdle" for d in every(outcome.distribution))
    if not apart or heart(outcome.distribution).support.discrete:
        return value
    mean = Summary("mean", value, outcome.domain)
    return Apply("where", (Apply("==", (value, ZERO)), mean, value))
