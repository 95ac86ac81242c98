"""Parameters as neutral statements: as they are, transformed, non-centred, with members set."""

from dataclasses import replace
from typing import TYPE_CHECKING

from hdsl.backends.inputs import Index
from hdsl.backends.program import Call, Drawn, Number, Sample, Term, Variable
from hdsl.expr import Constant, Domain, Expr, Value, apply
from hdsl.families import FAMILIES
from hdsl.families.family import CORRELATION, Role
from hdsl.families.links import link_of
from hdsl.ir.model import Distribution, Parameter, Transform
from hdsl.ir.text import text_of_target

if TYPE_CHECKING:
    from hdsl.backends.lower import Lowering


def lower_parameter(node: Parameter, lowering: "Lowering") -> None:
    """Add the sites of a parameter and, where these are not itself, the parameter."""
    lowering.comment(node.span)
    lowering.remark(node.rule, node.name)
    if FAMILIES[node.distribution.family].support == CORRELATION:
        _lower_scalar_correlation(node, lowering)
    elif has_set_members(node):
        _lower_pinned(node, lowering)
    elif node.transform is not None:
        _lower_transformed(node, node.transform, lowering)
    elif not node.centred and _location_scale(node.distribution) is not None:
        _lower_noncentred(node, lowering)
    else:
        distribution = drawn(node.distribution, node.domain, lowering)
        target = lowering.variable(node.name)
        lowering.body.append(Sample(target, node.name, distribution, node.domain))
        lowering.laid_out[node.name] = Variable(target), node.domain
        lowering.dims[node.name] = node.domain


def drawn(distribution: Distribution, use: Domain, lowering: "Lowering") -> Drawn:
    """The distribution with its arguments as terms over a domain."""
    arguments = tuple((name, lowering.term(e, use)) for name, e in distribution.arguments)
    return Drawn(distribution.family, arguments)


def _lower_transformed(node: Parameter, transform: Transform, lowering: "Lowering") -> None:
    site = text_of_target(node.name, transform)
    target = lowering.variable(site)
    distribution = drawn(node.distribution, node.domain, lowering)
    sampled = Sample(target, site, distribution, node.domain)
    lowering.body.append(sampled)
    lowering.dims[site] = node.domain
    lowering.laid_out[site] = Variable(target), node.domain
    value = invert(transform, Value(site))
    lowering.keep(node.name, node.domain, lowering.term(value, node.domain))


def invert(transform: Transform, expr: Expr) -> Expr:
    """The value whose function is ``expr``."""
    found = link_of(transform.link, transform.power).invert(expr)
    return apply("-", found) if transform.negated else found


def _lower_scalar_correlation(node: Parameter, lowering: "Lowering") -> None:
    """A correlation of two coefficients: its row samples in (0, 1), here stretched to (-1, 1)."""
    site = f"{node.name} unit"
    unit = lowering.auxiliary_site(
        site, Sample(lowering.variable(site), site, drawn(node.distribution, (), lowering), ())
    )
    stretched = Call("-", (Call("*", (Number(2.0), unit)), Number(1.0)))
    lowering.keep(node.name, (), stretched)


def _location_scale(distribution: Distribution) -> tuple[str, str] | None:
    """Names of the location and the scale of a distribution that has both and may be shifted."""
    family = FAMILIES[distribution.family]
    by_role = {p.role: p.name for p in family.parameters}
    given = {name for name, _ in distribution.arguments}
    location, scale = by_role.get(Role.LOCATION), by_role.get(Role.SCALE)
    if location is None or scale is None or not {location, scale} <= given:
        return None
    unbounded = family.support.lower == -family.support.upper and family.lower is None
    return (location, scale) if unbounded else None


def _lower_noncentred(node: Parameter, lowering: "Lowering") -> None:
    roles = _location_scale(node.distribution)
    assert roles is not None
    arguments = dict(node.distribution.arguments)
    location, scale = (arguments[name] for name in roles)
    standard = dict(arguments) | {roles[0]: Constant(0.0), roles[1]: Constant(1.0)}
    site = f"z({node.name})"
    distribution = replace(node.distribution, arguments=tuple(standard.items()))
    sample = Sample(
        lowering.variable(site), site, drawn(distribution, node.domain, lowering), node.domain
    )
    z = lowering.auxiliary_site(site, sample)
    scaled = Call("*", (lowering.term(scale, node.domain), z))
    value: Term = scaled
    if location != Constant(0.0):
        value = Call("+", (lowering.term(location, node.domain), scaled))
    lowering.keep(node.name, node.domain, value)


def has_set_members(node: Parameter) -> bool:
    """Whether some members are constants: set by the model, or the baseline of a factor."""
    return bool(node.pinned) or node.baseline


def free_level(name: str) -> str:
    """The name of the level of a parameter's members that are not set to constants."""
    return f"free {name}"


def _lower_pinned(node: Parameter, lowering: "Lowering") -> None:
    """Sample the free members and put the constants beside them."""
    free = free_level(node.name)
    index = tuple(lowering.input(Index(level, free)) for level in node.domain)
    site = f"{node.name} free"
    sample = Sample(
        lowering.variable(site),
        site,
        drawn(node.distribution, (free,), lowering),
        (free,),
        sizes=(f"len({index[0]})",),
    )
    values = lowering.auxiliary_site(site, sample)
    one = len(node.domain) == 1
    shape = Variable(lowering.size(node.domain[0])) if one else lowering.shape(node.domain)
    zeros = Call("zeros", (shape,))
    full: Term = Call("placed", (zeros, Variable(", ".join(index)), values))
    for labels, value in node.pinned:
        if value != Constant(0.0):
            target = lowering.names((node.name, "full"), f"{node.name} full")
            lowering.assign(target, full)
            full = Variable(target)
            at = ", ".join(
                lowering.terms.position(level, label)
                for level, label in zip(node.domain, labels, strict=True)
            )
            full = Call("placed", (full, Variable(at), lowering.term(value, ())))
    lowering.keep(node.name, node.domain, full)
