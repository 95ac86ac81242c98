"""Structures as neutral statements: the sites that they are made of, and what is made of these.

What a structure is stands in the families' table; here is only over which levels each part goes.
The level that it runs along is the last axis while its value is computed, whatever the index says.
"""

from typing import TYPE_CHECKING

from hdsl.backends.inputs import Waves
from hdsl.backends.program import Call, Drawn, Number, Sample, Term, Variable
from hdsl.check.domains import domain_of
from hdsl.diagnostics.diagnostic import InternalError
from hdsl.expr import ROW, Apply, Constant, Domain, Expr, Value
from hdsl.families import FAMILIES, Draw, Family, Over, Role, Structure, folded
from hdsl.ir.model import Distribution, Parameter

if TYPE_CHECKING:
    from hdsl.backends.lower import Lowering


def lower_structure(node: Parameter, name: str, lowering: "Lowering") -> None:
    """Sample what the structure is made of and keep its value under ``name``."""
    family = FAMILIES[node.distribution.family]
    structure = family.structure
    assert structure is not None
    if structure.value is None:
        _lower_array(node, name, lowering)
        return
    others = others_than(node.distribution.along, node.domain)
    use = node.domain if node.distribution.along is None else (*others, node.distribution.along)
    given = settled(family, node.distribution)
    terms: dict[str, Term] = {
        argument: lowering.term(expr, _place(argument, structure, family, use))
        for argument, expr in given.items()
    }
    terms["n"] = Variable(lowering.size(use[-1]))
    if any(draw.over is Over.WAVES for draw in structure.draws):
        for part in ("basis", "frequency"):
            terms[part] = Variable(lowering.input(_waves(part, given, use[-1])))
    for draw in structure.draws:
        sample = _sample(draw, name, terms, use, lowering)
        terms[draw.name] = lowering.auxiliary_site(sample.site, sample)
    value = term_of(structure.value, terms)
    if use != node.domain:
        place = Number(float(node.domain.index(use[-1])))
        last_two = len(use) == 2
        value = Call("transpose", (value,)) if last_two else Call("moved", (value, place))
    lowering.keep(name, node.domain, value, ROW not in node.domain)


def _lower_array(node: Parameter, name: str, lowering: "Lowering") -> None:
    """A distribution of a whole array along the last level, sampled as it is."""
    *others, along = node.domain
    arguments = []
    for argument, expr in node.distribution.arguments:
        term, own = lowering.term(expr, node.domain), domain_of(expr, lowering.model)
        if along not in own:
            whole = node.domain if own else (along,)
            term = Call("full", (lowering.shape(whole), term))
        arguments.append((argument, term))
    drawn = Drawn(node.distribution.family, tuple(arguments))
    target = lowering.variable(name)
    lowering.body.append(Sample(target, name, drawn, tuple(others), along=along))
    lowering.dims[name] = node.domain
    lowering.laid_out[name] = Variable(target), node.domain


def others_than(along: str | None, domain: Domain) -> Domain:
    """The levels over which a structure is independent."""
    return tuple(level for level in domain if level != along) if along is not None else ()


def settled(family: Family, distribution: Distribution) -> dict[str, Expr]:
    """Every argument by its parameter, those left out at their value."""
    given = dict(distribution.arguments)
    return {
        p.name: given[p.name] if p.name in given else Constant(p.otherwise or 0.0)
        for p in family.parameters
    }


def _place(argument: str, structure: Structure, family: Family, use: Domain) -> Domain:
    """The axes that an argument broadcasts over where the value is computed."""
    role = next(p.role for p in family.parameters if p.name == argument)
    if role is Role.COVARIATE:
        return use[-1:]
    if argument in structure.paired and len(use) > 1:
        return (*use, f"{use[-1]} paired")
    return use


def _waves(part: str, given: dict[str, Expr], level: str) -> Waves:
    count, boundary = given["waves"], given["boundary"]
    assert isinstance(count, Constant) and isinstance(boundary, Constant)
    return Waves(part, given["x"], level, int(count.value), boundary.value)


def _sample(
    draw: Draw, name: str, terms: dict[str, Term], use: Domain, lowering: "Lowering"
) -> Sample:
    site = f"{draw.name}({name})"
    arguments = tuple((key, term_of(expr, terms)) for key, expr in draw.arguments.items())
    drawn = Drawn(draw.family, arguments)
    match draw.over:
        case Over.WHOLE:
            return Sample(lowering.variable(site), site, drawn, use)
        case Over.ONE:
            return Sample(lowering.variable(site), site, drawn, ())
        case Over.WAVES:
            basis = terms["basis"]
            assert isinstance(basis, Variable)
            sizes = (*(lowering.size(level) for level in use[:-1]), f"{basis.name}.shape[1]")
            domain = (*use[:-1], f"waves of {name}")
            return Sample(lowering.variable(site), site, drawn, domain, sizes=sizes)


def term_of(expr: Expr, terms: dict[str, Term]) -> Term:
    """A formula of the families' table with its slots filled; nothing is added to zero."""
    match expr:
        case Constant(value=value):
            return Number(value)
        case Value(name=name):
            return terms[name]
        case Apply(function=function, arguments=arguments):
            parts = tuple(term_of(argument, terms) for argument in arguments)
            if function == "+" and parts[0] == Number(0.0):
                return parts[1]
            if all(isinstance(part, Number) for part in parts):
                return _folded(function, parts)
            return Call(function, parts)
        case _:
            raise InternalError(f"a structure holds {expr}")


def _folded(function: str, parts: tuple[Term, ...]) -> Term:
    numbers = tuple(Constant(part.value) for part in parts if isinstance(part, Number))
    found = folded(Apply(function, numbers))
    return Number(found.value) if isinstance(found, Constant) else Call(function, parts)
