"""A model as a Program: the one translation that both backends print.

Hierarchies (deviations, correlations) are in ``hierarchy``; what the data must supply is gathered
in ``Lowering.inputs`` on the way and handed to ``prepare``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import assert_never

from hdsl.backends import hierarchy, parameters
from hdsl.backends.impute import imputed_axes
from hdsl.backends.inputs import Column, Input, Observed, Seen, name_input
from hdsl.backends.namer import Namer, harmless
from hdsl.backends.program import (
    Assign,
    Call,
    Comment,
    Drawn,
    Gather,
    Record,
    Sample,
    Statement,
    Term,
    Variable,
)
from hdsl.backends.prune import over
from hdsl.backends.quotation import Quotation
from hdsl.backends.terms import Terms
from hdsl.check.domains import domain_of
from hdsl.diagnostics.diagnostic import InternalError
from hdsl.expr import Apply, Domain, Expr, Value, rewrite, walk
from hdsl.ir.facts import Facts
from hdsl.ir.model import (
    Correlation,
    Data,
    Definition,
    Deviations,
    Distribution,
    Model,
    Node,
    Outcome,
    Parameter,
)
from hdsl.ir.text import text_of_target
from hdsl.ir.uses import argument_domain, inner_domain
from hdsl.source import Span

RECORDED_CELLS = 20_000
"""Deviations and inner totals of more values than this are recorded only where asked for."""


@dataclass
class Lowering:
    """One run: what grows while the nodes of a model are lowered in their order."""

    model: Model
    names: Namer
    facts: Facts | None
    seen: frozenset[str]  # outcomes that may be missing
    quotation: Quotation
    whole: Model | None = None  # the model as it is written, where this one lacks a part of it
    scored: Mapping[str, Expr] = field(default_factory=dict)  # sampled by score: typical values
    body: list[Statement] = field(default_factory=list)
    inputs: dict[Input, str] = field(default_factory=dict)
    dims: dict[str, Domain] = field(default_factory=dict)
    auxiliary: list[str] = field(default_factory=list)
    twins: list[str] = field(default_factory=list)  # axes of correlation matrices
    laid_out: dict[str, tuple[Term, Domain]] = field(default_factory=dict)
    at_use: dict[tuple[str, Domain], Term] = field(default_factory=dict)
    centred: dict[str, tuple[Expr, str]] = field(default_factory=dict)
    """Deviations that were sampled with their centre: the centre, and the site of the sum."""

    @cached_property
    def coefficients(self) -> frozenset[str]:
        """The names of the coefficients."""
        return frozenset(c.name for c in self.model.coefficients)

    @property
    def terms(self) -> Terms:
        """Makes the terms of this model."""
        return Terms(self.model, self.quantity, self.input, self.size)

    def term(self, expr: Expr, use: Domain) -> Term:
        """The term of an expression that broadcasts over ``use``."""
        return self.terms(rewrite(expr, self._sampled_sum), use)

    def _sampled_sum(self, expr: Expr) -> Expr | None:
        """The site of `centre + deviation` where the two were sampled as one."""
        match expr:
            case Apply(function="+", arguments=(centre, Value(name=name))) if name in self.centred:
                expected, site = self.centred[name]
                return Value(site) if self.spread(centre) == expected else None
            case Apply(
                function="correlated" | "correlated along", arguments=(Value(name=matrix), *z)
            ):
                factor = Value(hierarchy.cholesky_site(matrix))
                return Apply(expr.function, (factor, *z))
            case _:
                return None

    def spread(self, expr: Expr) -> Expr:
        """The expression with the inner totals of coefficients written out."""

        def change(found: Expr) -> Expr | None:
            node = self.model.by_name.get(found.name) if isinstance(found, Value) else None
            is_total = isinstance(node, Definition) and self.is_inner_total(node.name)
            return self.spread(node.expr) if isinstance(node, Definition) and is_total else None

        return rewrite(expr, change)

    def is_inner_total(self, name: str) -> bool:
        """Whether a quantity is the total of a coefficient at an inner or crossed level."""
        return "[" in name and name.partition("[")[0] in self.coefficients

    def input(self, item: Input) -> str:
        """The variable that holds something read from the data."""
        return self.inputs.setdefault(item, name_input(self.names, item, self.whole or self.model))

    def variable(self, name: str) -> str:
        """The Python variable of a quantity or a site."""
        return self.names(name, name)

    def size(self, level: str) -> str:
        """The variable that holds a level's number of groups."""
        return self.names(("size", level), f"n_{level}")

    def shape(self, domain: Domain) -> Variable:
        """The shape of an array over a domain, as a Python tuple."""
        return self.terms.shape(domain)

    def quantity(self, name: str, use: Domain) -> tuple[Term, Domain]:
        """What an expression finds under a name; a definition at a use is assigned there first."""
        if name in self.laid_out:
            return self.laid_out[name]
        node = self.model.by_name[name]
        if isinstance(node, Data):
            return Variable(self.input(Column(name))), node.domain
        if not isinstance(node, Definition):
            raise InternalError(f"`{name}` is used before it is made")
        if (name, use) not in self.at_use:
            self._assign_at_use(node, use)
        return self.at_use[name, use], use

    def _assign_at_use(self, node: Definition, use: Domain) -> None:
        first = not any(name == node.name for name, _ in self.at_use)
        wish = node.name if first else f"{node.name} by {' '.join(use)}"
        value = self.term(node.expr, use)
        if not isinstance(value, Variable):
            self.comment(node.span)
            target = self.names((node.name, use), wish)
            self.assign(target, value)
            value = Variable(target)
        self.at_use[node.name, use] = value

    # ------------------------------------------------------------ statements

    def comment(self, span: Span) -> None:
        """Quote the statement that the next lines come from, once."""
        comment = self.quotation.of(span)
        if comment is not None:
            self.body.append(comment)

    def remark(self, rule: str | None, name: str) -> None:
        """Say which rule a default prior follows."""
        if rule is not None:
            self.body.append(Comment(harmless(f"default prior of {name}: {rule}")))

    def keep(self, name: str, domain: Domain, value: Term, wish: bool = True) -> None:
        """Make a quantity known: recorded where wanted, else only assigned."""
        target = self.variable(name)
        if wish:
            self.body.append(Record(target, name, value, domain))
            self.dims[name] = domain
        else:
            self.body.append(Assign(target, value))
        self.laid_out[name] = Variable(target), domain

    def assign(self, target: str, value: Term) -> None:
        """Give a value a name of its own."""
        self.body.append(Assign(target, value))

    def auxiliary_site(self, site: str, sample: Sample) -> Variable:
        """Sample something that the results do not keep."""
        self.body.append(sample)
        self.auxiliary.append(site)
        assert sample.target is not None
        return Variable(sample.target)

    def is_small(self, domain: Domain) -> bool:
        """Whether an array over a domain is small enough to record without being asked."""
        cells = 1
        for level in domain:
            members = self.model.levels[level].members if level in self.model.levels else ()
            known = self.facts.sizes.get(level) if self.facts is not None else None
            cells *= known or len(members) or 1
        return cells <= RECORDED_CELLS


def lower_nodes(lowering: Lowering) -> None:
    """Lower every node of the model, in its order."""
    for node in lowering.model.nodes:
        _lower_node(node, lowering)


def _lower_node(node: Node, lowering: Lowering) -> None:
    match node:
        case Data():
            return
        case Parameter():
            parameters.lower_parameter(node, lowering)
        case Definition():
            _lower_definition(node, lowering)
        case Deviations():
            lowering.comment(node.span)
            hierarchy.lower_deviations(node, lowering)
        case Correlation():
            lowering.comment(node.span)
            lowering.remark(node.rule, node.name)
            hierarchy.lower_correlation(node, lowering)
        case Outcome():
            _lower_outcome(node, lowering)
        case _:
            assert_never(node)


# ---------------------------------------------------------------- definitions, outcomes


def _lower_definition(node: Definition, lowering: Lowering) -> None:
    if not node.laid_out:
        return
    value = lowering.term(node.expr, node.domain)
    lowering.comment(node.span)
    is_inner = lowering.is_inner_total(node.name)
    small = node.reported or not is_inner or lowering.is_small(node.domain)
    lacks_axes = set(domain_of(node.expr, lowering.model)) != set(node.domain)
    if lacks_axes and node.recorded and node.domain:
        value = Call("broadcast", (value, lowering.shape(node.domain)))
    lowering.keep(node.name, node.domain, value, node.recorded and small)


def _lower_outcome(node: Outcome, lowering: Lowering) -> None:
    seen = lowering.input(Seen(node.name)) if node.name in lowering.seen else None
    drawn = _outcome_drawn(node, node.distribution, node.domain, lowering)
    lowering.comment(node.span)
    site = text_of_target(node.name, node.transform)
    lowering.body.append(
        Sample(
            None,
            site,
            drawn,
            node.domain,
            observed=lowering.input(Observed(node.name)),
            seen=seen,
        )
    )
    lowering.dims[site] = node.domain


def _outcome_drawn(
    node: Outcome, distribution: Distribution, use: Domain, lowering: Lowering
) -> Drawn:
    """A distribution of an outcome, or inside that, its arguments given names and cut to what is
    known of the outcome.
    """
    arguments: list[tuple[str, Term]] = []
    for name, expr in distribution.arguments:
        inside = argument_domain(distribution, name, use)
        term = lowering.term(expr, inside)
        own = domain_of(expr, lowering.model)
        if own:
            key = (node.name, name, distribution.span.start)
            term = _lifted(key, name, term, node, lowering)
        varies_with_rows = not set(own) <= set(inside) - set(node.domain)
        if node.name in lowering.seen and varies_with_rows:
            term = Gather(term, (lowering.input(Seen(node.name)),))
        arguments.append((name, term))
    within = inner_domain(distribution, use)
    inner = tuple(_outcome_drawn(node, each, within, lowering) for each in distribution.inner)
    asks = any(name == "event" for name, _ in arguments)
    value = lowering.input(Observed(node.name)) if asks else None
    along = distribution.along if inner else None
    return Drawn(distribution.family, tuple(arguments), inner, along, value)


def _lifted(key: object, argument: str, term: Term, node: Outcome, lowering: Lowering) -> Term:
    """An argument that is a formula, assigned first: `mu = alpha[region_of_row] + …`."""
    if not isinstance(term, Call):
        return term
    lowering.comment(node.span)
    target = lowering.names(key, argument)
    lowering.body.append(Assign(target, term))
    return Variable(target)


def may_be_missing(model: Model, facts: Facts | None) -> frozenset[str]:
    """The outcomes that may lack values: the data say so, or their definition does."""
    found = set(facts.missing if facts is not None else ())
    found |= {data.name for data in imputed_axes(model).values()}
    for outcome in model.outcomes:
        data = model.by_name.get(outcome.name)
        below = walk(data.expr) if isinstance(data, Data) and data.expr is not None else ()
        if any(isinstance(e, Apply) and e.function == "missing" for e in below):
            found.add(outcome.name)
    return frozenset(found)


def sizes_of(
    lowering: Lowering, body: tuple[object, ...], used: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """The levels whose number of groups the model needs, for a plate or in a formula."""
    plates = {
        level
        for statement in body
        if isinstance(statement, Sample) and statement.sizes is None and statement.seen is None
        for level in statement.domain
    }
    drawn = (s.distribution for s in body if isinstance(s, Sample))
    plates |= {level for d in drawn if isinstance(d, Drawn) for level in over(d)}
    return tuple(
        (level, lowering.size(level))
        for level in lowering.model.levels
        if level in plates or lowering.size(level) in used
    )
