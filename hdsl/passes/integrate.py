"""Gaussian effects integrated out of a normal outcome: only scales and correlations are sampled.

Where y ~ normal(X u, sigma) and u is normal given its scales, the density of y with u integrated
out is known in closed form, and so is the distribution of u given y. Group by group it takes
matrices of the size of a group's coefficients (the Woodbury identity), and of the data only X'X,
X'y and y'y of each group: its cost does not grow with the rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hdsl.check.domains import domain_of
from hdsl.expr import ROW, Domain, Expr, Value
from hdsl.ir.arranged import Arranged, Gaussian, Remark, Tier
from hdsl.ir.facts import Facts
from hdsl.ir.model import (
    Correlation,
    Data,
    Definition,
    Deviations,
    Model,
    Node,
    Outcome,
    Parameter,
)
from hdsl.ir.uses import expressions, quantities, values
from hdsl.passes.linear import Sum, as_sum, is_data, needed, product, total, written_out

NAME = "integrate"

SAMPLED = (Parameter, Deviations, Correlation)

MOST_COLUMNS = 40
"""Beyond so many columns a group's matrices are dearer than its rows."""

MOST_NUMBERS = 20_000_000
"""In the matrices of all groups: a gradient holds several copies of them."""


def integrate(arranged: Arranged, facts: Facts | None) -> Arranged:
    """Takes Gaussian effects out of the one normal outcome that they are in."""
    if arranged.gaussian is not None:
        return arranged
    for outcome in arranged.model.outcomes:
        if outcome.distribution.family != "normal":
            continue
        found = _found(outcome, arranged.model, facts)
        if isinstance(found, Gaussian):
            model = _without(arranged.model, found)
            if not any(isinstance(node, SAMPLED) for node in model.nodes):
                says = "every scale is known: nothing would be left to sample"
                remark = Remark(NAME, says, "declined", outcome.span)
                return replace(arranged, remarks=(*arranged.remarks, remark))
            remark = Remark(NAME, _says(found), span=outcome.span)
            remarks = (*arranged.remarks, remark)
            return replace(arranged, model=model, gaussian=found, remarks=remarks)
        if found is not None:
            arranged = replace(arranged, remarks=(*arranged.remarks, found))
    return arranged


def _found(outcome: Outcome, model: Model, facts: Facts | None) -> Gaussian | Remark | None:
    """What can be integrated out of an outcome, or why nothing can; None: there is nothing."""
    arguments = dict(outcome.distribution.arguments)
    if set(arguments) != {"mu", "sigma"} or outcome.domain != (ROW,):
        return None
    predictor = as_sum(arguments["mu"], model)
    kept = _used_elsewhere(outcome, model) | needed(_names(predictor.rest), model)
    effects = _Effects(predictor.factors(), kept, model)
    chain = _chain(effects.levels(), model, facts)
    if not chain and not effects.population():
        return None
    scale = arguments["sigma"]
    levels = domain_of(scale, model)
    known = is_data(scale, model)
    if known:
        scale = written_out(scale, model)
    while chain and not known and not _covers(chain[0], levels, model):
        chain = chain[1:]  # sigma is finer than this level's groups
    if not known and not chain and levels:
        where = " and ".join(levels)
        return Remark(NAME, f"sigma differs by {where}: effects stay sampled", "declined")
    found = _gaussian(outcome, predictor, effects, chain, (scale, known))
    columns, groups = len(found.columns), _groups(found, facts)
    if columns > MOST_COLUMNS or columns**2 * groups > MOST_NUMBERS:
        says = f"{columns} columns are too many for matrices by group"
        if groups > 1:
            says += f": there are {groups:,} of them"
        return Remark(NAME, says, "declined", outcome.span)
    return found if found.tiers or found.population else None


def _groups(found: Gaussian, facts: Facts | None) -> int:
    """How many groups the finest level has, as far as it is known."""
    if facts is None or not found.tiers:
        return 1
    return facts.sizes.get(found.tiers[0].level, 1)


def _names(exprs: Iterable[Expr]) -> frozenset[str]:
    return frozenset(name for expr in exprs for name in values(expr))


def _covers(finest: str, levels: Domain, model: Model) -> bool:
    """Whether what varies over some levels is one number for each group of another."""
    return all(level == finest or level in model.ancestors(finest) for level in levels)


def _used_elsewhere(outcome: Outcome, model: Model) -> frozenset[str]:
    """The quantities that something sampled depends on, other than the outcome's location."""
    used: set[str] = set()
    for node in model.nodes:
        if isinstance(node, Data | Definition):
            continue
        for role, expr in expressions(node):
            if not (node is outcome and role == "mu"):
                used |= set(values(expr))
        if isinstance(node, Deviations) and node.centred:
            used |= {name for share in node.shares for name in values(share.centre)}
    return needed(frozenset(used), model)


@dataclass(frozen=True)
class _Effects:
    """What multiplies data in a predictor: which of it may be integrated out."""

    factors: dict[str, Expr]
    kept: frozenset[str]
    model: Model

    def deviations(self) -> tuple[Deviations, ...]:
        """The groups' deviations that are in the location alone."""
        return tuple(
            node
            for node in self.model.nodes
            if isinstance(node, Deviations) and not node.centred and self._is_free(node)
        )

    def levels(self) -> tuple[str, ...]:
        """The levels of those deviations."""
        return tuple(dict.fromkeys(node.level for node in self.deviations()))

    def population(self) -> tuple[Parameter, ...]:
        """The scalars with a normal prior that are in the location alone."""
        return tuple(
            node
            for node in self.model.nodes
            if isinstance(node, Parameter)
            and node.is_plain
            and not node.domain
            and node.distribution.family == "normal"
            and {name for name, _ in node.distribution.arguments} == {"mu", "sigma"}
            and self._is_free(node)
        )

    def sampled(self, integrated: frozenset[str]) -> tuple[str, ...]:
        """The scalars that stay sampled and multiply data."""
        return tuple(
            name
            for name in self.factors
            if name not in integrated and isinstance(self.model.by_name[name], Parameter)
        )

    def _is_free(self, node: Node) -> bool:
        names = quantities(node)
        return all(name in self.factors and name not in self.kept for name in names)


def _chain(levels: tuple[str, ...], model: Model, facts: Facts | None) -> tuple[str, ...]:
    """Levels of which each lies in the next: those with the most groups in all, finest first."""

    def size(level: str) -> int:
        known = facts.sizes.get(level) if facts is not None else None
        return known or 1 + len(model.ancestors(level))

    best: tuple[str, ...] = ()
    for finest in levels:
        chain = [finest]
        above = [level for level in levels if level in model.ancestors(finest)]
        for level in sorted(above, key=lambda name: -len(model.ancestors(name))):
            if level in model.ancestors(chain[-1]):
                chain.append(level)
        if sum(map(size, chain)) > sum(map(size, best)):
            best = tuple(chain)
    return best


def _gaussian(
    outcome: Outcome,
    predictor: Sum,
    effects: _Effects,
    chain: tuple[str, ...],
    scale: tuple[Expr, bool],
) -> Gaussian:
    """The arrangement that integrates the levels of a chain and the population out."""
    columns: list[Expr] = []

    def place(name: str) -> int:
        factor = effects.factors[name]
        if factor not in columns:
            columns.append(factor)
        return columns.index(factor)

    population = tuple((node, place(node.name)) for node in effects.population())
    tiers = []
    for level in chain:
        nodes = tuple(node for node in effects.deviations() if node.level == level)
        places = tuple(place(share.deviation) for node in nodes for share in node.shares)
        tiers.append(Tier(level, nodes, places))
    integrated = frozenset(node.name for node, _ in population)
    sampled = tuple((name, place(name)) for name in effects.sampled(integrated))
    deviations = {s.deviation for tier in tiers for node in tier.nodes for s in node.shares}
    known = {*integrated, *deviations, *(name for name, _ in sampled)}
    others = (
        product(factor, Value(name))
        for name, factor in effects.factors.items()
        if name not in known
    )
    rest = total(iter((*predictor.rest, *others)))
    return Gaussian(
        outcome, tuple(columns), tuple(tiers), population, sampled, predictor.offset(), rest, *scale
    )


def _without(model: Model, found: Gaussian) -> Model:
    """The nodes that stay sampled, and what they and the rest of the location are made of."""
    gone = {node.name for node, _ in found.population}
    gone |= {node.name for tier in found.tiers for node in tier.nodes}
    lost = {name for node in model.nodes if node.name in gone for name in quantities(node)}
    kept: list[Node] = []
    for node in model.nodes:
        if node.name in gone or node is found.outcome:
            continue
        if isinstance(node, Definition) and not lost.isdisjoint(needed((node.name,), model)):
            continue
        kept.append(node)
    return replace(model, nodes=tuple(kept), coefficients=())


def _says(found: Gaussian) -> str:
    """What was done, and why."""
    parts = []
    if found.tiers:
        parts.append(f"the deviations of {' and of '.join(tier.level for tier in found.tiers)}")
    if found.population:
        parts.append(", ".join(node.name for node, _ in found.population))
    what = " and ".join(parts)
    return (
        f"{what} are integrated out of {found.outcome.name}: they are normal and its location is "
        "linear in them; `recover` draws them exactly"
    )
