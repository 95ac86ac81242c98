"""A normal outcome with its Gaussian effects integrated out, and the draws that bring them back."""

from dataclasses import dataclass, field

from hdsl.backends.hierarchy import deviate_site
from hdsl.backends.inputs import Index, Observed, Seen
from hdsl.backends.namer import harmless
from hdsl.backends.program import (
    Assign,
    Call,
    Comment,
    Factor,
    Gather,
    Kernel,
    Number,
    Term,
    Variable,
)
from hdsl.backends.writing import Writing, factor_of
from hdsl.expr import ROW, Expr, Value
from hdsl.ir.arranged import Gaussian

_ZERO, _ONE = Number(0.0), Number(1.0)


@dataclass
class _Integral(Writing):
    """One run, of a Gaussian."""

    gaussian: Gaussian = field(kw_only=True)

    @property
    def group(self) -> str:
        """What one set of coefficients is for: a group of the finest tier, or all rows."""
        return self.gaussian.tiers[0].level if self.gaussian.tiers else "all"

    @property
    def observed(self) -> Variable:
        return Variable(self.lowering.input(Observed(self.gaussian.outcome.name)))

    def rows(self, expr: Expr) -> Term:
        """An expression over the rows that have an outcome."""
        return self.seen(self.lowering.term(expr, (ROW,)), expr)

    def seen(self, term: Term, expr: Expr) -> Term:
        """A term over the rows, of those alone whose outcome is known."""
        outcome = self.gaussian.outcome.name
        varies = bool(self.lowering.terms.domain(expr))
        if outcome not in self.lowering.seen or not varies:
            return term
        return Gather(term, (self.lowering.input(Seen(outcome)),))

    def group_of_row(self) -> Term:
        """The number of each row's group of the finest tier."""
        if not self.gaussian.tiers:
            return Kernel("np.zeros", (Kernel("len", (self.observed,)), Variable("int")))
        index = self.lowering.input(Index(self.group, ROW))
        outcome = self.gaussian.outcome.name
        if outcome in self.lowering.seen:
            return Gather(Variable(index), (self.lowering.input(Seen(outcome)),))
        return Variable(index)

    def size(self) -> Term:
        """How many groups the finest tier has."""
        if not self.gaussian.tiers:
            return _ONE
        return Variable(self.lowering.size(self.group))


def lower_gaussian(gaussian: Gaussian, writing: Writing) -> None:
    """Add the likelihood with its effects integrated out, and how they are drawn."""
    run = _Integral(**vars(writing), gaussian=gaussian)
    run.lowering.comment(gaussian.outcome.span)
    _population(run)
    _likelihood(run)
    _eliminations(run)
    _recovery(run)


# ---------------------------------------------------------------- what is known before any row


def _population(run: _Integral) -> None:
    """The priors of the population, and `mean`: that of what multiplies each column, in all."""
    gaussian, lowering = run.gaussian, run.lowering
    columns: list[list[Term]] = [[] for _ in gaussian.columns]
    if gaussian.population:
        priors = [dict(node.distribution.arguments) for node, _ in gaussian.population]
        for name, argument in (("prior mean", "mu"), ("prior sd", "sigma")):
            terms = tuple(lowering.term(prior[argument], ()) for prior in priors)
            run.body.append(Assign(run.name(name), Call("stack", terms)))
        for i, (_, place) in enumerate(gaussian.population):
            columns[place].append(Gather(Variable(run.name("prior mean")), (str(i),)))
    for quantity, place in gaussian.sampled:
        columns[place].append(lowering.term(Value(quantity), ()))
    means: list[Term] = []
    for parts in columns:
        mean = parts[0] if parts else _ZERO
        for part in parts[1:]:
            mean = Call("+", (mean, part))
        means.append(mean)
    plain = [Gather(Variable(run.name("prior mean")), (str(i),)) for i in range(len(means))]
    value = Variable(run.name("prior mean")) if means == plain else Call("stack", tuple(means))
    run.body.append(Assign(run.name("mean"), value))


def _likelihood(run: _Integral) -> None:
    """`density`: that of each finest group's rows, as a function of its coefficients."""
    gaussian, lowering = run.gaussian, run.lowering
    columns = Call("list", tuple(run.rows(column) for column in gaussian.columns))
    outcome: Term = run.observed
    if gaussian.offset is not None:
        outcome = Call("-", (outcome, run.rows(gaussian.offset)))
    scale = run.rows(gaussian.scale) if gaussian.known_scale else None
    scales = () if scale is None else (scale,)
    levels = () if not gaussian.tiers else (run.group,)
    sigma = _ONE if gaussian.known_scale else lowering.term(gaussian.scale, levels)
    by = f"by {run.group}"
    counted = [run.name(f"{word} {by}") for word in ("count", "constant")]
    mean = Variable(run.name("mean"))
    if gaussian.rest is None:
        made = [run.name(f"{word} {by}") for word in ("products", "slopes", "squares")]
        made += [*counted, run.name("reference")]
        value = Kernel("sums_by_group", (columns, outcome, run.group_of_row(), run.size(), *scales))
        run.condense.append(Assign(", ".join(made), value))
        arguments = (*map(Variable, made), mean, sigma)
        run.body.append(Assign(run.name("density"), Kernel("of_sums", arguments)))
    else:
        table, group, known = (run.name(n) for n in ("table", f"{run.group} of row seen", "known"))
        squares = run.name(f"squares {by}")
        made = [table, group, known, squares, *counted]
        if scale is not None:
            outcome = Call("/", (outcome, scale))
        run.condense += [
            Assign(table, Kernel("side_by_side", (columns, run.observed, *scales))),
            Assign(group, run.group_of_row()),
            Assign(known, outcome),
            Assign(
                ", ".join([squares, *counted]),
                Kernel("squares", (Variable(table), Variable(group), run.size(), *scales)),
            ),
        ]
        rest = run.rows(gaussian.rest)
        if scale is not None:
            lines = Variable(run.name("scale of row"))
            made.append(lines.name)
            run.condense.append(Assign(lines.name, scale))
            rest = Call("/", (rest, lines))
        residual = Call("-", (Variable(known), rest))
        run.body.append(Assign(run.name("residual"), residual))
        names = (table, run.name("residual"), group, squares, *counted)
        arguments = (*map(Variable, names), mean, sigma)
        run.body.append(Assign(run.name("density"), Kernel("of_residuals", arguments)))
    run.made += made


# ---------------------------------------------------------------- integrating out, and back


def _places(places: tuple[int, ...]) -> Variable:
    return Variable(f"np.array([{', '.join(map(str, places))}])")


def _eliminations(run: _Integral) -> None:
    """One tier after the other, the finest first, then the population; what is left counts."""
    gaussian, lowering = run.gaussian, run.lowering
    density = run.name("density")
    parents: list[str | None] = [*(tier.level for tier in gaussian.tiers), None]
    for tier, parent in zip(gaussian.tiers, parents[1:], strict=True):
        text = f"{tier.level}: {', '.join(s.deviation for n in tier.nodes for s in n.shares)}"
        run.body.append(Comment(harmless(text)))
        factor = run.name(f"factor of {tier.level}")
        run.body.append(Assign(factor, factor_of(tier.nodes, lowering)))
        _eliminate(run, tier.level, tier.places, Variable(factor))
        if tier is not gaussian.tiers[0]:
            run.returned.append(Variable(factor))
        if parent is not None:
            index = Variable(lowering.input(Index(parent, tier.level)))
            size = Variable(lowering.size(parent))
            summed = Kernel("over_groups", (Variable(density), index, size))
            run.body.append(Assign(density, summed))
    if gaussian.population:
        run.body.append(Comment("what all groups have in common"))
        places = _places(tuple(place for _, place in gaussian.population))
        effects = run.name("effects of population")
        call = Kernel(
            "eliminate_population", (Variable(density), places, Variable(run.name("prior sd")))
        )
        run.body.append(Assign(f"{density}, {effects}", call))
        run.returned.append(Variable(effects))
        run.returned += [Variable(run.name(n)) for n in ("prior mean", "prior sd")]
    total: Term = Variable(density)
    if not gaussian.population:
        total = Kernel(f"{density}[0].sum", ())
    run.body.append(Factor(run.gaussian.outcome.name, total))


def _eliminate(run: _Integral, what: str, places: tuple[int, ...], factor: Term) -> None:
    density, effects = run.name("density"), run.name(f"effects of {what}")
    call = Kernel("eliminate", (Variable(density), _places(places), factor))
    run.body.append(Assign(f"{density}, {effects}", call))
    run.returned.append(Variable(effects))


def _recovery(run: _Integral) -> None:
    """Draws from the coarsest to the finest, each given those above it."""
    gaussian, lowering = run.gaussian, run.lowering
    above = run.name("above")
    if gaussian.tiers:
        shape = Variable(f"({len(gaussian.columns)}, 1)")
        run.recover.append(Assign(above, Call("zeros", (shape,))))
    if gaussian.population:
        z, places = run.name("z of population"), tuple(p for _, p in gaussian.population)
        effects = Variable(run.name("effects of population"))
        draw = Kernel("drawn_population", (effects, Variable("source_draw")))
        run.recover.append(Assign(z, draw))
        spread, location = run.name("prior sd"), run.name("prior mean")
        if gaussian.tiers:
            diagonal = Call("diagonal", (Variable(spread),))
            z_of_all = f"{z}[:, None]"
            run.recover.append(Assign(above, _added(above, places, diagonal, z_of_all)))
        for i, (node, _) in enumerate(gaussian.population):
            scaled = Call(
                "*", (Gather(Variable(spread), (str(i),)), Gather(Variable(z), (str(i),)))
            )
            value = Call("+", (Gather(Variable(location), (str(i),)), scaled))
            run.recovered.append((node.name, value))
    coarser: str | None = None
    for tier in reversed(gaussian.tiers):
        if coarser is not None:
            index = lowering.input(Index(coarser, tier.level))
            moved = Gather(Variable(above), (":", f'data["{index}"]'))
            run.recover.append(Assign(above, moved))
        z = run.name(f"z of {tier.level}")
        run.recover.append(Assign(z, _drawn(run, tier.level, above)))
        if tier is not gaussian.tiers[0]:
            factor = Variable(run.name(f"factor of {tier.level}"))
            run.recover.append(Assign(above, _added(above, tier.places, factor, z)))
        shares = [share for node in tier.nodes for share in node.shares]
        for j, share in enumerate(shares):
            run.recovered.append((deviate_site(share), Gather(Variable(z), (str(j),))))
        coarser = tier.level


def _drawn(run: _Integral, what: str, above: str) -> Term:
    effects = Variable(run.name(f"effects of {what}"))
    return Kernel("drawn", (effects, Variable(above), Variable("source_draw")))


def _added(above: str, places: tuple[int, ...], factor: Term, z: str) -> Term:
    return Kernel("added", (Variable(above), _places(places), factor, Variable(z)))
