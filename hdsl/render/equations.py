"""The model as equations, level by level: the recipe and not only the ingredients.

Every expression is written in full with its indices; a coefficient is one statement about its
distribution, with its centre, whatever the compiler makes of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from hdsl.expr import (
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
    apply,
    names,
)
from hdsl.ir.blocks import slope_term_of
from hdsl.ir.imputed import known
from hdsl.ir.model import (
    Coefficient,
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
from hdsl.ir.text import ATOM, Piece, in_place, text_of, written_arguments
from hdsl.ir.uses import imputed_parts
from hdsl.render.blocks import cut
from hdsl.render.indices import Indices, indices_of
from hdsl.render.latex import latex_of
from hdsl.render.notation import Equation, Joint, Notation, Plain, Section
from hdsl.render.plates import framed, level_title, plates
from hdsl.render.population import joint_groups, population
from hdsl.render.recursion import is_recursive, recursion_of


def equations(model: Model, form: Literal["latex", "text"] = "latex") -> str:
    """The model as equations: an ``aligned`` block of LaTeX, or text.

    Rows come first, then coarser and coarser levels, then what is one number for all.
    """
    match form:
        case "latex":
            notation: Notation = latex_of(model)
        case "text":
            notation = Plain()
        case _:
            assert_never(form)
    writer = _Writer(model, notation, indices_of(model), _domains(model))
    return notation.document(model.title, tuple(_sections(model, writer)))


def _sections(model: Model, writer: "_Writer") -> Iterator[Section]:
    told = sorted(writer.statements(), key=lambda statement: _turn(model, statement[1]))
    frames = plates(model, (domain for domain, _, _ in told), None)
    order = {frame.key: place for place, frame in enumerate(frames)}
    ranked = populations(model)
    domains = sorted({d for d, _, _ in told if d}, key=lambda d: -order[" × ".join(d)])
    for domain in domains:
        mine = tuple(equation for d, _, equation in told if d == domain)
        each = ((level, writer.indices.letters[level]) for level in domain)
        yield Section(
            tuple((level_title(model, level), index) for level, index in each),
            tuple((level_title(model, at), index) for at, index in writer.indices.lookups(domain)),
            mine,
        )
    constants = [(name, equation) for d, name, equation in told if not d]
    constants.sort(key=lambda pair: ranked.get(pair[0], len(ranked)))
    if constants:
        yield Section((), (), tuple(equation for _, equation in constants))


def _turn(model: Model, name: str) -> int:
    """What is explained comes before what explains it: outcomes, definitions, the rest."""
    node = model.by_name.get(name)
    if isinstance(node, Data):
        return 0 if node.observed else 3
    return 1 if isinstance(node, Definition) else 2


def populations(model: Model) -> dict[str, int]:
    """The place of each population parameter in the order in which one reads them."""
    names = [name for group in joint_groups(model) for name in population(model, group)]
    return {name: place for place, name in enumerate(names)}


_Statement = tuple[Domain, str, Equation]


@dataclass(frozen=True)
class _Writer:
    model: Model
    notation: Notation
    indices: Indices
    domains: Mapping[str, Domain]

    def statements(self) -> Iterator[_Statement]:
        """Every equation with its domain and the quantity it is about, in the model's order."""
        told = _told_by_deviations(self.model) | imputed_parts(self.model)
        for node in self.model.nodes:
            if node.name not in told:
                yield from self._node(node)

    def _node(self, node: Node) -> Iterator[_Statement]:
        match node:
            case Data(expr=None):
                pass
            case Data(expr=Block() as block):
                yield self._block(node, block)
            case Data(expr=expr):
                if expr is not None and text_of(expr) != node.name:
                    yield self._defined(node.name, node.domain, expr)
            case Parameter() if node.distribution.along and is_recursive(node.distribution):
                yield from self._recursion(node, node.distribution.along)
            case Parameter(distribution=distribution, transform=transform):
                left = self.notation.target(self.quantity(node.name, node.domain), transform)
                right = self.distribution(distribution, node.domain)
                said = (("increasing", node.increasing), ("default", node.rule is not None))
                note = ", ".join(word for word, holds in said if holds)
                yield node.domain, node.name, Equation(left, "~", right, note)
                for labels, value in node.pinned:
                    at = tuple(self.notation.label(label) for label in labels)
                    left = self.notation.quantity(node.name, at)
                    yield node.domain, node.name, Equation(left, "=", self.expr(value, ()))
            case Definition(expr=expr):
                yield self._defined(node.name, node.domain, expr)
            case Deviations():
                yield from self._deviations(node)
            case Correlation(concentration=concentration):
                right = self.notation.distribution("lkj", [self.expr(concentration, ())])
                left = self.quantity(node.name, ())
                note = "" if node.rule is None else "default"
                yield (), node.name, Equation(left, "~", right, note)
            case Outcome(distribution=distribution, transform=transform):
                left = self.notation.target(self.quantity(node.name, node.domain), transform)
                right = self.distribution(distribution, node.domain)
                yield node.domain, node.name, Equation(left, "~", right)
            case _:
                assert_never(node)

    def _block(self, node: Data, block: Block) -> _Statement:
        """A block as the vector of its columns; a long one cut short."""
        here = framed(self.model, node.domain)
        axes = [level for level in self.model.levels if level not in framed(self.model, (level,))]
        writer = self
        for axis in axes:
            writer = replace(writer, indices=writer.indices.without(axis))
        first, rest = cut(block)
        items = [writer.expr(item, here) for _, item in first.items]
        vector = self.notation.vector([*items, *(["…"] if rest else [])])
        return here, node.name, Equation(writer.quantity(node.name, here), "=", vector)

    def _defined(self, name: str, domain: Domain, expr: Expr) -> _Statement:
        left = self.quantity(name, domain)
        return domain, name, Equation(left, "=", self.expr(expr, domain))

    def _recursion(self, node: Parameter, along: str) -> Iterator[_Statement]:
        """A value given the one before it: the first of them, then each."""
        letter = self.indices.letters[along]
        told = recursion_of(node)
        turns = ("1", "1", told.first), (letter, f"{letter} - 1", told.after)
        for here, before, moments in turns:
            left = self.at(along, here).quantity(node.name, node.domain)
            mean, sd = (self.at(along, before).expr(moment, node.domain) for moment in moments)
            right = self.notation.distribution("normal", [mean, sd])
            target = self.notation.target(left, node.transform)
            yield node.domain, node.name, Equation(target, "~", right)

    def at(self, level: str, letter: str) -> "_Writer":
        """The same with another letter for a level."""
        letters = {**self.indices.letters, level: letter}
        return replace(self, indices=replace(self.indices, letters=letters))

    # ------------------------------------------------------------ coefficients

    def _deviations(self, node: Deviations) -> Iterator[_Statement]:
        centred = [_centred(self.model, share.deviation, node.level) for share in node.shares]
        domains = [(node.level, *share.axes) for share in node.shares]
        matrix = isinstance(self.model.by_name.get(node.correlation or ""), Correlation)
        if node.correlation is None or (len(node.shares) == 1 and not matrix):
            for share, (total, centre), domain in zip(node.shares, centred, domains, strict=True):
                sd = self.expr(Value(share.sd), domain)
                right = self.notation.distribution("normal", [self.expr(centre, domain), sd])
                left = self.expr(total, domain)
                yield domain, share.deviation, Equation(left, "~", right)
            return
        axis = node.shares[0].axes[-1] if len(node.shares) == 1 else None
        writer = self
        if axis is not None:
            writer = replace(self, indices=self.indices.everywhere(axis))
        shared = list(zip(node.shares, centred, domains, strict=True))
        joint = Joint(
            totals=tuple(writer.expr(total, d) for _, (total, _), d in shared),
            centres=tuple(writer.expr(centre, d) for _, (_, centre), d in shared),
            sds=tuple(writer.expr(Value(share.sd), d) for share, _, d in shared),
            correlation=writer.expr(Value(node.correlation), ()),
            is_matrix=matrix,
            along_axis=axis is not None,
        )
        yield (node.level,), node.name, self.notation.joint(joint)

    # ------------------------------------------------------------ expressions

    def quantity(self, name: str, here: Domain) -> str:
        """A quantity with the indices that it has in a statement over a domain."""
        return self.notation.quantity(known(name), self.indices.at(self.domains[name], here))

    def distribution(self, distribution: Distribution, here: Domain) -> str:
        """A distribution, its arguments in full."""
        family = distribution.family
        arguments = [
            self.notation.argument(family, keyword, self.expr(value, here))
            for keyword, value in written_arguments(distribution)
        ]
        wrapped = [self.distribution(inner, here) for inner in distribution.inner]
        return self.notation.distribution(family, in_place(distribution, wrapped, arguments))

    def expr(self, expr: Expr, here: Domain) -> str:
        """An expression in full, with indices."""
        return self._piece(self.notation.rearranged(expr), here)[0]

    def _piece(self, expr: Expr, here: Domain) -> Piece:
        match expr:
            case Constant(value=value):
                return self.notation.number(value)
            case Label(text=text):
                return self.notation.label(text), ATOM
            case Value(name=name):
                return self.quantity(name, here), ATOM
            case Member():
                return self._member(expr, here), ATOM
            case Apply(function=function, arguments=arguments):
                pieces = tuple(self._piece(argument, here) for argument in arguments)
                return self.notation.apply(function, pieces)
            case Summary(function=function, argument=argument):
                return self.notation.apply(function, (self._bare(argument),))
            case Contraction(axis=axis, argument=Apply(function="*", arguments=(left, right))):
                vectors = replace(self, indices=self.indices.without(axis))
                pieces = vectors._piece(left, here), vectors._piece(right, here)
                return self.notation.contraction(*pieces)
            case Aggregate():
                return self._aggregate(expr)
            case Block() | Contraction():
                return text_of(expr), ATOM
            case _:
                assert_never(expr)

    def _aggregate(self, expr: Aggregate) -> Piece:
        """The function, the level of its result below it or behind it, and what it is taken of."""
        pieces = [self._piece(expr.argument, _free_domain(expr.argument, self.domains))]
        pieces += [(self.notation.label(level), ATOM) for level in expr.to]
        if expr.weight is not None:
            weight = self._piece(expr.weight, _free_domain(expr.weight, self.domains))[0]
            pieces.append((self.notation.argument("", "weight", weight), ATOM))
        return self.notation.apply(expr.function, tuple(pieces))

    def _bare(self, expr: Expr) -> Piece:
        """What a summary is taken of: no index, for it is over all of them."""
        return replace(self, indices=self.indices.hidden())._piece(expr, ())

    def _member(self, member: Member, here: Domain) -> str:
        picked: dict[str, str] = {}
        inner: Value | Member = member
        while isinstance(inner, Member):
            picked[inner.level] = inner.label
            inner = inner.of
        own = self.domains[inner.name]
        indices = [
            self.notation.label(picked[level]) if level in picked else index
            for level, index in zip(own, self.indices.at(own, here), strict=True)
        ]
        return self.notation.quantity(inner.name, indices)


def _free_domain(expr: Expr, domains: Mapping[str, Domain]) -> Domain:
    """Every level over which something in an expression varies."""
    found = (level for name in names(expr) for level in domains.get(name, ()))
    return tuple(dict.fromkeys(found))


def _domains(model: Model) -> dict[str, Domain]:
    """Over what every quantity varies, inner totals included."""
    domains = {name: node.domain for name, node in model.by_name.items()}
    for node in model.nodes:
        if isinstance(node, Deviations):
            domains |= {s.deviation: (node.level, *s.axes) for s in node.shares}
    for c in model.coefficients:
        domains |= {f"{c.scale_name}[{p.level}]": (p.level, *c.axes) for p in c.parts}
    return domains


def _told_by_deviations(model: Model) -> frozenset[str]:
    """The definitions that a statement about deviations tells already."""
    inner = {f"{c.scale_name}[{part.level}]" for c in model.coefficients for part in c.parts}
    nested = [c for c in model.coefficients if c.parts and not c.crossed]
    return frozenset(inner | {c.name for c in nested} | {c.scale_name for c in nested})


def _centred(model: Model, deviation: str, level: str) -> tuple[Expr, Expr]:
    """A level's total and what it is centred at; a crossed deviation stands for itself."""
    for c in model.coefficients:
        before: Expr = Constant(0.0) if c.mean is None else Value(c.mean)
        for part in c.parts:
            if part.deviation == deviation and c.crossed:
                return Value(deviation), Constant(0.0)
            for slope, predictor in part.slopes:
                term = slope_term_of(model, slope, predictor)
                before = term if before == Constant(0.0) else apply("+", before, term)
            if part.deviation == deviation:
                last = part is c.parts[-1]
                return (_on_scale(c) if last else Value(f"{c.scale_name}[{level}]")), before
            before = Value(f"{c.scale_name}[{part.level}]")
    return Value(deviation), Constant(0.0)


def _on_scale(coefficient: Coefficient) -> Expr:
    value: Expr = Value(coefficient.name)
    transform = coefficient.transform
    if transform is None:
        return value
    return apply(transform.link, apply("-", value) if transform.negated else value)
