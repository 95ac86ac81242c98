"""Parameters: their priors, written or by default, and the supports that must agree."""

from hdsl.check.coefficients import Coefficients
from hdsl.check.distributions import (
    asked_support,
    likely_prior,
    resolve_distribution,
    suggestion_for,
    support_behind,
)
from hdsl.check.increasing import check_increasing, inside_increasing
from hdsl.check.labels import cut_points
from hdsl.check.misplaced import blame, refuse_ambiguity
from hdsl.check.resolve import Resolver
from hdsl.check.scope import ParameterSpec, Setting, text
from hdsl.check.structures import (
    is_free,
    is_made_of_draws,
    place,
    refuse_centring,
    refuse_members,
)
from hdsl.check.wrapped import check_domains
from hdsl.diagnostics.diagnostic import Label
from hdsl.expr import Expr, Value, names
from hdsl.families import FAMILIES, Role
from hdsl.families.family import CORRELATION, POSITIVE, REAL, Support
from hdsl.families.wrapper import WRAPPERS
from hdsl.ir.model import Distribution, LevelKind, Parameter, Transform
from hdsl.ir.text import text_of_support
from hdsl.ir.uses import arguments
from hdsl.ir.wrapped import every, heart, row, support
from hdsl.source import Span
from hdsl.syntax import ast


class Parameters:
    """Builds the parameter nodes of a file."""

    def __init__(self, resolver: Resolver, coefficients: Coefficients) -> None:
        self.resolver = resolver
        self.scope = resolver.scope
        self.coefficients = coefficients
        self.distributions: dict[str, Distribution] = {}
        self.asked: dict[str, tuple[Support, Span]] = {}
        self.increasing: set[str] = set()  # those that a prior `increasing(…)` puts in order

    def resolve_written(self) -> None:
        """Resolve every prior that the file writes."""
        for name, spec in self.scope.parameters.items():
            if spec.call is None or spec.call.name == "likely":
                continue
            call = inside_increasing(self.resolver, spec.call)
            found = resolve_distribution(self.resolver, call) if call is not None else None
            if found is not None:
                self.distributions[name] = found
                if call is not spec.call:
                    self.increasing.add(name)

    def ask(self, distribution: Distribution) -> None:
        """Note where the bare names among a distribution's arguments must lie: first use counts."""
        for each in every(distribution):
            for name, expr in each.arguments:
                if not is_free(each, name):
                    continue  # it is checked where the structure is placed
                if isinstance(expr, Value) and expr.name in self.scope.parameters:
                    wanted = asked_support(each, name)
                    self.asked.setdefault(expr.name, (wanted, expr.span))

    def wanted(self, name: str) -> Support:
        """Where a parameter must lie by what it is and by the place of its first use."""
        implied = self.coefficients.implied.get(name)
        if implied is not None and implied.accessor == "sd":
            return POSITIVE
        if implied is not None and implied.accessor == "cor":
            return CORRELATION
        return self.asked[name][0] if name in self.asked else REAL

    def written(self) -> dict[str, Parameter]:
        """The parameters whose priors are written, each checked."""
        found: dict[str, Parameter] = {}
        for name, spec in self.scope.parameters.items():
            if spec.call is None or name in self._matrices():
                continue
            transform = spec.target.transform if spec.target else None
            if spec.call.name == "likely":
                prior = likely_prior(self.resolver, spec.call, self.wanted(name), transform)
                if prior is None:
                    continue
                distribution, transform = prior.distribution, prior.transform
            elif name in self.distributions:
                distribution = self.distributions[name]
            else:
                continue
            found[name] = self.node(name, spec, distribution, transform, None)
        return found

    def _matrices(self) -> set[str]:
        """Names of whole correlation matrices: their priors belong to ``Correlation`` nodes."""
        found: set[str] = set()
        for joint in self.coefficients.joints:
            if joint.matrix is not None:
                found |= {joint.matrix, *(name for name, _, _ in joint.pairs)}
        return found

    def node(
        self,
        name: str,
        spec: ParameterSpec,
        distribution: Distribution,
        transform: Transform | None,
        rule: str | None,
    ) -> Parameter:
        """A parameter node, after the checks of its distribution."""
        domain = self.resolver.quantities.get(name, spec.axes)
        self._check_domain(name, domain, distribution)
        span = spec.target.span if spec.target else spec.span
        distribution = place(self.resolver, name, domain, distribution, span) or distribution
        if name in self.increasing:
            check_increasing(self.resolver, name, domain, distribution, span)
        if distribution.family == "lkj":
            own = CORRELATION
        else:
            own = support_behind(transform, support(distribution))
        self._check_support(name, spec, distribution, own)
        implied = self.coefficients.implied.get(name)
        return Parameter(
            name=name,
            domain=domain,
            span=_span(spec, implied.spec.statement.span if implied else spec.span),
            support=own,
            distribution=distribution,
            transform=transform,
            pinned=self._pins(name, domain, distribution),
            centred=self._centred(spec, domain, distribution, transform),
            baseline=implied.baseline if implied else False,
            rule=rule,
            implied=spec.implied,
            increasing=self._is_increasing(spec),
        )

    def _check_domain(self, name: str, domain: tuple[str, ...], distribution: Distribution) -> None:
        for expr, allowed, beyond in check_domains(self.resolver, distribution, domain):
            blame(self.resolver, expr, allowed, beyond, f"`{name}`")
        for _, expr in arguments(distribution):
            refuse_ambiguity(self.resolver, expr, domain)

    def _check_support(
        self, name: str, spec: ParameterSpec, distribution: Distribution, own: Support
    ) -> None:
        wanted = self.wanted(name)
        call = spec.call
        if call is None:
            return
        if self._is_no_prior(name, call, distribution):
            return
        if self._is_increasing(spec) and not REAL.within(own) and name not in self.increasing:
            self.scope.report(
                "H301",
                f"this prior lets `{name}` be {text_of_support(own)} only, and cut points lie "
                "anywhere",
                call.span,
                help=f"write `{name} ~ normal(0, 2)`",
            )
        elif not own.within(wanted):
            first = self.asked.get(name)
            others = (Label(first[1], "it is used here"),) if first else ()
            self.scope.report(
                "H301",
                f"this prior lets `{name}` be {text_of_support(own)}, and it must be "
                f"{text_of_support(wanted)}",
                call.span,
                f"reaches beyond {text_of_support(wanted)} values",
                help=suggestion_for(name, distribution, wanted),
                others=others,
            )

    def _is_no_prior(self, name: str, call: ast.Call, distribution: Distribution) -> bool:
        """Report a distribution that no parameter of this name can have; tells whether it is."""
        family = heart(distribution)
        wrapper = WRAPPERS.get(distribution.family)
        if wrapper is not None and not wrapper.for_parameters:
            self.scope.report(
                "H304",
                f"`{name}` cannot have the distribution `{wrapper.name}`",
                call.name_span,
                "a distribution of data only",
            )
        elif family.support.discrete:
            self.scope.report(
                "H304",
                f"`{name}` cannot be a whole-number parameter",
                call.name_span,
                f"`{family.name}` is a distribution of whole numbers",
                help="only data can be discrete; give the parameter a continuous distribution",
            )
        elif (distribution.family == "lkj") != (
            name.startswith("cor(") and distribution.family == "lkj"
        ):
            self.scope.report(
                "H301",
                "`lkj` is a distribution of correlations",
                call.name_span,
                help="write `cor(a, b) ~ lkj(2)`",
            )
        else:
            return False
        return True

    def _centred(
        self,
        spec: ParameterSpec,
        domain: tuple[str, ...],
        distribution: Distribution,
        transform: Transform | None,
    ) -> bool:
        """Non-centred where a level's location-scale distribution has a scale to learn."""
        option = spec.option
        if is_made_of_draws(distribution):
            refuse_centring(self.resolver, spec.name, distribution, option)
            return False
        increasing = self._is_increasing(spec)
        if option is not None and option.name == "centered":
            return True
        family = FAMILIES.get(distribution.family)
        scaled = family is not None and family.is_location_scale
        possible = bool(domain) and scaled and transform is None and not increasing
        scale = dict(distribution.arguments).get("sigma")
        if option is not None and option.name == "noncentered":
            if not possible:
                self.scope.report(
                    "H215",
                    f"`{spec.name}` has no non-centred form",
                    option.span,
                    "only a location-scale distribution over a level has one",
                )
            return not possible
        return not (possible and scale is not None and self._learns(scale)) or self._pinned(spec)

    def _is_increasing(self, spec: ParameterSpec) -> bool:
        levels = self.scope.levels
        if spec.name in self.increasing:
            return True
        return any(levels[a].kind is LevelKind.CUT for a in spec.axes) and spec.name in (
            cut_points(outcome) for outcome in self.scope.axes
        )

    def _pinned(self, spec: ParameterSpec) -> bool:
        return spec.name in self.scope.pins

    def _learns(self, expr: Expr) -> bool:
        return any(name not in self.scope.data for name in names(expr))

    def _pins(
        self, name: str, domain: tuple[str, ...], distribution: Distribution
    ) -> tuple[tuple[tuple[str, ...], Expr], ...]:
        if refuse_members(self.resolver, name, distribution, name in self.increasing):
            return ()
        found: dict[tuple[str, ...], Expr] = {}
        for setting in self.scope.pins.get(name, ()):
            labels = self._pin_labels(setting, domain)
            if labels is None:
                continue
            assert setting.expr is not None
            value = self.resolver.resolve(setting.expr)
            if self.resolver.domain(value):
                blame(self.resolver, value, (), self.resolver.domain(value), f"`{name}[…]`")
            if name in names(value):
                self.scope.report(
                    "H209",
                    f"`{name}` is defined by itself",
                    setting.expr.span,
                    "a member is set to what is known before it",
                )
                continue
            if labels in found:
                self.scope.report(
                    "H202", f"`{text(setting.target.expr)}` is set twice", setting.target.span
                )
            found[labels] = value
        return tuple(found.items())

    def _pin_labels(self, setting: Setting, domain: tuple[str, ...]) -> tuple[str, ...] | None:
        index = setting.target.index
        if len(index) != len(domain):
            self.scope.report(
                "H206",
                f"`{setting.target.name}` needs {len(domain)} labels, and {len(index)} stand here",
                setting.target.span,
            )
            return None
        labels = []
        for item, level in zip(index, domain, strict=True):
            label = item.value if isinstance(item, ast.Text) else item.names[0]
            if not self.resolver.has_member(level, label, item.span):
                return None
            labels.append(label)
        return tuple(labels)


def _span(spec: ParameterSpec, otherwise: Span) -> Span:
    """The statement that made the parameter, for the comments of the generated code."""
    if spec.statement is not None:
        return spec.statement.span
    return spec.target.span if spec.target else otherwise


def needs_prior(name: str, span: Span, what: str, resolver: Resolver) -> None:
    """Report a parameter for which no default rule fits."""
    prior = "halfnormal(1)" if name.startswith("sd(") else "normal(0, 1)"
    resolver.scope.report(
        "H305",
        f"no default prior fits `{name}`",
        span,
        what,
        help=f"write one: `{name} ~ {prior}`",
        notes=("defaults are for intercepts, for coefficients that multiply data, and for scales",),
    )


def is_role(distribution: Distribution, name: str, *roles: Role) -> bool:
    """Whether an argument plays one of the roles in its distribution."""
    return any(p.name == name and p.role in roles for p in row(distribution).parameters)
