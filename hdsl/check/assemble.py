"""Last pass: the nodes of the model, put together from what the other modules worked out."""

from dataclasses import replace

from hdsl.check.algebra import invert
from hdsl.check.blocks import is_block, refuse_block
from hdsl.check.coefficients import Coefficients
from hdsl.check.correlations import Joint
from hdsl.check.defaults import Defaults
from hdsl.check.distributions import resolve_distribution
from hdsl.check.domains import is_crossing, outside
from hdsl.check.impute import imputed_nodes
from hdsl.check.labels import check_axis, check_labels, inferred_type
from hdsl.check.misplaced import blame, refuse_index
from hdsl.check.newcomers import Newcomers, check_newcomers
from hdsl.check.options import check_options
from hdsl.check.order import in_order, report_unused, used_names
from hdsl.check.parameters import Parameters, needs_prior
from hdsl.check.resolve import Resolver
from hdsl.check.scope import DataSpec, DefinitionSpec, Scope, text
from hdsl.check.structures import refuse_outcome
from hdsl.check.supports import check_supports
from hdsl.check.targets import ACCESSORS, Target
from hdsl.check.wrapped import check_domains
from hdsl.diagnostics.diagnostic import Label
from hdsl.expr import ROW, Apply, Constant, Expr, Value
from hdsl.families import Role
from hdsl.families.family import BINARY
from hdsl.ir.imputed import known
from hdsl.ir.model import (
    Correlation,
    Data,
    DataType,
    Definition,
    Deviations,
    Distribution,
    Model,
    Node,
    Outcome,
    Parameter,
)
from hdsl.ir.wrapped import every, heart, parameter_of
from hdsl.ir.wrapped import support as support_of
from hdsl.syntax import ast


class Assembly:
    """Turns a scope into nodes; every method adds one kind."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.resolver = Resolver(scope)
        self.coefficients = Coefficients(self.resolver)
        self.parameters = Parameters(self.resolver, self.coefficients)
        self.nodes: dict[str, Node] = {}  # by quantity
        self.outcomes: list[Outcome] = []
        self.totals: set[str] = set()  # coefficients: opaque to the default priors

    def model(self) -> Model:
        """The whole model; meaningful only if nothing was reported as an error."""
        self._blocks()
        self.coefficients.imply()
        check_options(self.resolver)
        self.parameters.resolve_written()
        self._outcomes()
        for distribution in self.parameters.distributions.values():
            self.parameters.ask(distribution)
        self._definitions()
        made, coefficients = self.coefficients.build()
        self._coefficients(made)
        self._reports()
        new = Newcomers(self.coefficients, self.coefficients.pieces).nodes()
        self.nodes |= {node.name: node for node in new}
        self._data()
        written = self.parameters.written()
        self.nodes |= written
        self._stray_pins()
        known = [*self.nodes.values(), *self.outcomes]
        in_order(self.resolver, known)  # a circle would lead the next steps round and round
        whole = not self.scope.is_broken()
        if whole:  # a default is found from the whole equation only
            unused = report_unused(self.resolver, known)
            self._default_priors(written, unused)
        self._correlations()
        nodes = list({id(node): node for node in self.nodes.values()}.values())
        ordered = in_order(self.resolver, [*nodes, *self.outcomes])
        if whole:
            check_supports(self.parameters, self.nodes, ordered)
            check_newcomers(self.resolver, ordered)
        return Model(
            self.scope.title,
            dict(self.scope.levels),
            _without_idle_data(ordered),
            tuple(coefficients),
            self.scope.source,
        )

    def node_of(self, name: str) -> Node | None:
        """The node that makes a quantity, so far."""
        return self.nodes.get(name)

    def _opaque(self, name: str) -> Node | None:
        return None if name in self.totals else self.nodes.get(known(name))

    # ------------------------------------------------------------ outcomes and data

    def _blocks(self) -> None:
        """Resolve the blocks first: what else is said may name their columns."""
        for name, spec in tuple(self.scope.data.items()):
            if is_block(spec.expr):
                self.resolver.domain_of(name, spec.span)

    def _outcomes(self) -> None:
        for target, statement in self.scope.outcomes:
            call = statement.right
            assert isinstance(call, ast.Call)
            self.resolver.outcome = target.name
            distribution = resolve_distribution(self.resolver, call)
            self.resolver.outcome = None
            if distribution is None or refuse_outcome(self.resolver, target.name, distribution):
                continue
            spec = self.scope.data[target.name]
            self._infer_types(spec, distribution)
            domain = self.resolver.domain_of(target.name, target.span)
            refuse_index(self.resolver, target, domain)
            for expr, allowed, beyond in check_domains(self.resolver, distribution, domain):
                blame(self.resolver, expr, allowed, beyond, f"`{target.name}`")
            check_axis(self.resolver, target.name, distribution, domain)
            self._check_outcome_type(target, distribution)
            refuse_block(self.resolver, target.name, distribution.span)
            outcome, imputed = imputed_nodes(
                self.scope,
                Outcome(
                    name=target.name,
                    domain=domain,
                    span=statement.span,
                    distribution=distribution,
                    transform=target.transform,
                ),
            )
            self.outcomes.append(outcome)
            self.nodes |= imputed
            self.parameters.ask(distribution)

    def _check_outcome_type(self, target: Target, distribution: Distribution) -> None:
        name, spec = target.name, self.scope.data[target.name]
        family = heart(distribution)
        label = self.scope.data[name].span
        if family.improper or family.name == "lkj":
            self.scope.report(
                "H304",
                f"data cannot have the distribution `{family.name}`",
                distribution.span,
                "a prior of parameters only",
            )
        elif family.categories is not None:
            check_labels(self.scope, target, family, distribution.span)
        elif spec.type in (DataType.FACTOR, DataType.ORDERED):
            self.scope.report(
                "H304",
                f"`{name}` is {spec.type.value} data, and `{family.name}` is of numbers",
                distribution.span,
                others=(Label(label, "declared here"),),
                help=f"write `{name} ~ orderedlogistic(eta)`"
                if spec.type is DataType.ORDERED
                else f"write `{name} ~ categorical(logit_p = eta)`, or derive a number from it: "
                f'`data {name}_is_A = ({name} == "A")`',
            )

    def _infer_types(self, spec: DataSpec, distribution: Distribution) -> None:
        """The type of an inferred outcome, and of its number of trials, from the distribution."""
        if spec.inferred:
            support = support_of(distribution)
            kind = DataType.REAL
            if support.discrete:
                kind = DataType.BINARY if support == BINARY else DataType.COUNT
            elif support.lower == 0.0 and distribution.family != "hurdle":
                kind = DataType.PROPORTION if support.upper == 1.0 else DataType.POSITIVE
            kind = inferred_type(heart(distribution)) or kind
            self.scope.data[spec.name] = replace(spec, type=kind)
        for each in every(distribution):
            for name, expr in each.arguments:
                role = parameter_of(each, name)[0].role
                kinds = {Role.SIZE: DataType.COUNT, Role.EVENT: DataType.BINARY}
                column = self.scope.data.get(expr.name) if isinstance(expr, Value) else None
                if column is not None and column.inferred and role in kinds:
                    self.scope.data[column.name] = replace(column, type=kinds[role])

    def _data(self) -> None:
        observed = {outcome.name for outcome in self.outcomes if not outcome.imputed}
        for name, spec in tuple(self.scope.data.items()):
            self.resolver.domain_of(name, spec.span)  # which may add the columns of a lag
        for name, spec in tuple(self.scope.data.items()):
            domain = self.resolver.domain_of(name, spec.span)
            self.nodes[name] = Data(
                name=name,
                domain=domain,
                span=spec.span,
                column=spec.column if spec.expr is None else None,
                type=spec.type,
                members=spec.members,
                expr=None if spec.expr is None else self.resolver.derived_expr(name, spec.span),
                drop=spec.drop,
                impute=spec.impute,
                inferred=spec.inferred,
                observed=name in observed,
                lag=spec.lag,
            )
        for name, (expr, domain, span) in self.resolver.derived.items():
            compared = isinstance(expr, Apply) and expr.function in ("==", "!=")
            self.nodes[name] = Data(
                name=name,
                domain=domain,
                span=span,
                column=None,
                type=DataType.BINARY if compared else DataType.REAL,
                expr=expr,
            )

    # ------------------------------------------------------------ definitions

    def _definitions(self) -> None:
        wanted = {text(report) for report in self.scope.reports}
        for name, spec in self.scope.definitions.items():
            domain = self.resolver.domain_of(name, spec.span)
            expr = invert(spec.target.transform, self.resolver.definitions.get(name, Constant(0.0)))
            self._check_implied(name, spec, domain)
            if name in self.scope.pins:
                for pin in self.scope.pins[name]:
                    self.scope.report(
                        "H207", f"`{name}` is defined; its members follow", pin.target.span
                    )
            reported = name in wanted or text(spec.target.expr) in wanted
            crossing = is_crossing(self.scope.levels, domain) and spec.grid is None
            if crossing and reported:
                domain, crossing = (ROW,), False
            self.nodes[name] = Definition(
                name=name,
                domain=domain,
                span=spec.statement.span if spec.statement else spec.span,
                expr=expr,
                laid_out=not crossing,
                recorded=reported or (not crossing and ROW not in domain),
            )

    def _check_implied(self, name: str, spec: DefinitionSpec, domain: tuple[str, ...]) -> None:
        """An implied quantity that is set varies over coarser levels than what it belongs to."""
        implied = self.coefficients.implied.get(name)
        if implied is None:
            return
        limit = implied.spec.axes
        if implied.accessor == "sd" and implied.level:
            limit = (implied.level, *limit)
        elif implied.accessor == "mean":
            limit = self.resolver.coefficient_domain(implied.spec)
        beyond = outside(self.scope.levels, domain, limit)
        if beyond:
            blame(self.resolver, self.resolver.definitions[name], limit, beyond, f"`{name}`")

    def _coefficients(self, made: list[Definition | Deviations]) -> None:
        for node in made:
            if isinstance(node, Deviations):
                self.nodes |= {share.deviation: node for share in node.shares}
            else:
                self.nodes[node.name] = node
                self.totals.add(node.name)

    def _reports(self) -> None:
        scope = self.scope
        for expr in scope.reports:
            name = text(expr)
            if name in self.nodes or name in scope.parameters or name in scope.data:
                continue
            if name in self.resolver.quantities:
                continue
            before = len(scope.diagnostics)
            self.resolver.resolve(expr)
            heart = expr.name if isinstance(expr, ast.Ref | ast.Call) else name
            known = heart in (*scope.definitions, *scope.coefficients, *ACCESSORS)
            if len(scope.diagnostics) == before and not known:
                scope.report(
                    "H201",
                    f"unknown name `{name}`",
                    expr.span,
                    "nothing to report",
                    help=scope.suggestion(heart) or f"define it here: `report {name} = …`",
                )

    # ------------------------------------------------------------ priors

    def _default_priors(self, written: dict[str, Parameter], unused: frozenset[str]) -> None:
        """Fill in the defaults; a prior found so can be the place of another's default."""
        missing = {
            name: spec
            for name, spec in self.scope.parameters.items()
            if spec.call is None and name not in self.nodes
        }
        placeholders = tuple(written.values())
        defaults = Defaults(self.resolver, tuple(self.outcomes), placeholders, self._opaque)
        for name, spec in missing.items():
            implied = self.coefficients.implied.get(name)
            if (implied.spec.name if implied else name) in unused:
                continue  # nothing tells what it is for, and that has been said
            found = defaults.of(spec, implied, self.parameters.wanted(name))
            if found is None:
                needs_prior(
                    name,
                    spec.target.span if spec.target else spec.span,
                    self._why(name),
                    self.resolver,
                )
                continue
            transform = spec.target.transform if spec.target else None
            self.nodes[name] = self.parameters.node(
                name, spec, found.distribution, transform, found.rule
            )

    def _why(self, name: str) -> str:
        implied = self.coefficients.implied.get(name)
        whose = f"`{implied.spec.name}`" if implied else f"`{name}`"
        return f"{whose} does not enter an outcome's equation as a sum of coefficients times data"

    def _correlations(self) -> None:
        for joint in self.coefficients.joints:
            if joint.matrix is not None:
                node = self._correlation(joint)
                self.nodes[node.name] = node
                self.nodes |= {name: node for name, _, _ in node.pairs}

    def _correlation(self, joint: Joint) -> Correlation:
        assert joint.matrix is not None
        names = (joint.matrix, *(name for name, _, _ in joint.pairs))
        found = {
            self.parameters.distributions[n] for n in names if n in self.parameters.distributions
        }
        calls = [self.scope.parameters[n].call for n in names if n in self.scope.parameters]
        defined = [n for n in names if n in self.scope.definitions]
        whole = joint.matrix in self.parameters.distributions
        partial = not whole and 0 < len([c for c in calls if c]) < len(joint.pairs)
        bad = len(found) > 1 or partial or any(d.family != "lkj" for d in found) or defined
        span = joint.specs[0].statement.span
        if bad:
            place = next((c.span for c in calls if c), joint.specs[0].target.span)
            if defined:
                place = self.scope.definitions[defined[0]].span
            self.scope.report(
                "H405",
                "the correlations of three or more coefficients have one prior together",
                place,
                "this is about one of them",
                help=f"write `{joint.matrix} ~ lkj(2)`",
            )
        concentration: Expr = Constant(2.0)
        rule: str | None = "correlations: lkj(2)"
        if found:
            concentration, rule = dict(next(iter(found)).arguments)["eta"], None
            beyond = self.resolver.domain(concentration)
            if beyond:
                blame(self.resolver, concentration, (), beyond, f"`{joint.matrix}`")
        return Correlation(
            name=joint.matrix,
            domain=(),
            span=span,
            concentration=concentration,
            between=() if joint.axis else tuple(s.scale for s in joint.specs),
            axis=joint.axis,
            pairs=joint.pairs,
            rule=rule,
        )

    def _stray_pins(self) -> None:
        for name, settings in self.scope.pins.items():
            if name in self.nodes or name in self.scope.parameters:
                continue
            for setting in settings:
                coefficient = self.scope.coefficients.get(name)
                self.scope.report(
                    "H207" if coefficient else "H201",
                    f"a member of `{name}` cannot be set"
                    if coefficient
                    else f"unknown name `{name}`",
                    setting.target.span,
                    "its members vary around a mean" if coefficient else "no statement defines it",
                    help=None if coefficient else self.scope.suggestion(name),
                )


def _without_idle_data(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Columns that nothing uses need not be there; the rest stays in order."""
    kept = nodes
    while True:
        used = used_names(kept)
        smaller = tuple(
            n
            for n in kept
            if not isinstance(n, Data) or n.observed or (n.drop and n.lag is None) or n.name in used
        )
        if len(smaller) == len(kept):
            return kept
        kept = smaller
