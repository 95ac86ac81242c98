"""Parameters as neutral statements: as they are, transformed, non-centred, with members set."""

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from hdsl.backends.inputs import Index
from hdsl.backends.program import Call, Drawn, Increasing, Number, Sample, Scored, Term, Variable
from hdsl.backends.structures import lower_structure
from hdsl.expr import Constant, Domain, Expr, Value, apply
from hdsl.families import FAMILIES
from hdsl.families.family import CORRELATION, Role
from hdsl.families.links import link_of
from hdsl.ir.model import Distribution, Model, Parameter, Transform
from hdsl.ir.text import text_of_target
from hdsl.ir.wrapped import heart, support

if TYPE_CHECKING:
    from hdsl.backends.lower import Lowering


def lower_parameter(node: Parameter, lowering: "Lowering") -> None:
    """Add the sites of a parameter and, where these are not itself, the parameter."""
    lowering.comment(node.span)
    if is_all_set(node, lowering.model):
        _lower_all_set(node, lowering)
        return
    lowering.remark(node.rule, node.name)
    node = replace(node, distribution=_between_bounds(node.distribution))
    if heart(node.distribution).support == CORRELATION:
        _lower_scalar_correlation(node, lowering)
        return
    site = text_of_target(node.name, node.transform)
    if has_set_members(node):
        free = (free_level(node.name),)
        _draw(node, f"{site} free", free, lowering)
        _lower_set_members(node, lowering.term(_inverted(node, f"{site} free"), free), lowering)
        return
    _draw(node, site, node.domain, lowering)
    if node.transform is not None:
        lowering.keep(node.name, node.domain, lowering.term(_inverted(node, site), node.domain))


def is_all_set(node: Parameter, model: Model) -> bool:
    """Whether every member of a vector is set: nothing is left of its distribution."""
    members = model.levels[node.domain[0]].members if len(node.domain) == 1 else ()
    return bool(members) and len(node.pinned) == len(members)


def _lower_all_set(node: Parameter, lowering: "Lowering") -> None:
    """A vector whose members are all set, side by side."""
    values = {labels[0]: value for labels, value in node.pinned}
    members = lowering.model.levels[node.domain[0]].members
    each = tuple(lowering.term(values[member], ()) for member in members)
    lowering.keep(node.name, node.domain, Call("stack", each))


def _draw(node: Parameter, name: str, domain: Domain, lowering: "Lowering") -> None:
    """Make a quantity that has the node's distribution, sampled as it is or as a standard z."""
    if heart(node.distribution).structure is not None:
        lower_structure(node, name, lowering)
        return
    is_result = domain == node.domain
    sizes = None if is_result else (f"len({lowering.input(Index(node.domain[0], *domain))})",)
    roles = None if node.centred else _location_scale(node.distribution)
    if roles is not None:
        z = f"z({name})"
        standard = drawn(_standard(node.distribution, roles), domain, lowering)
        sample = Sample(lowering.variable(z), z, standard, domain, sizes=sizes)
        variable = lowering.auxiliary_site(z, sample)
        lowering.keep(name, domain, _scaled(node, roles, variable, domain, lowering), is_result)
        return
    each = drawn(node.distribution, domain, lowering)
    distribution: Drawn | Increasing | Scored = each
    if node.increasing:
        distribution = _in_order(node, each, lowering)
    elif name in lowering.scored:
        distribution = Scored(each, lowering.term(lowering.scored[name], domain))
    sample = Sample(lowering.variable(name), name, distribution, domain, sizes=sizes)
    if is_result and not node.hidden:
        lowering.body.append(sample)
        lowering.dims[name] = domain
    else:
        lowering.auxiliary_site(name, sample)
    lowering.laid_out[name] = Variable(lowering.variable(name)), domain


def _in_order(node: Parameter, each: Drawn, lowering: "Lowering") -> Increasing:
    """The values along the last level in increasing order."""
    sizes = tuple(lowering.size(level) for level in node.domain)
    family = FAMILIES[node.distribution.family]
    return Increasing(each, sizes, positive=family.support.lower == 0.0)


def drawn(distribution: Distribution, use: Domain, lowering: "Lowering") -> Drawn:
    """The distribution with its arguments as terms over a domain."""
    along = distribution.along if distribution.inner else None
    inside = (*use, along) if along is not None else use
    arguments = tuple((name, lowering.term(e, inside)) for name, e in distribution.arguments)
    inner = tuple(drawn(each, inside, lowering) for each in distribution.inner)
    return Drawn(distribution.family, arguments, inner, distribution.along)


def _between_bounds(distribution: Distribution) -> Distribution:
    """A truncated distribution with every bound that its values have written out: those of what it
    cuts too, so that a sampler moves between them.
    """
    if distribution.family != "truncated":
        return distribution
    own = support(distribution.inner[0])
    ends = {"lower": own.lower, "upper": own.upper}
    bounds: dict[str, Expr] = {n: Constant(end) for n, end in ends.items() if isfinite(end)}
    bounds |= dict(distribution.arguments)
    arguments = tuple((name, bounds[name]) for name in ends if name in bounds)
    return replace(distribution, arguments=arguments)


def _inverted(node: Parameter, name: str) -> Expr:
    """The parameter, from the quantity that has the distribution."""
    return Value(name) if node.transform is None else invert(node.transform, Value(name))


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
    family = FAMILIES.get(distribution.family)
    if family is None:
        return None
    by_role = {p.role: p.name for p in family.parameters}
    given = {name for name, _ in distribution.arguments}
    location, scale = by_role.get(Role.LOCATION), by_role.get(Role.SCALE)
    if location is None or scale is None or not {location, scale} <= given:
        return None
    unbounded = family.support.lower == -family.support.upper and family.lower is None
    return (location, scale) if unbounded else None


def _standard(distribution: Distribution, roles: tuple[str, str]) -> Distribution:
    """The distribution at location 0 and scale 1."""
    location, scale = roles
    standard = {**dict(distribution.arguments), location: Constant(0.0), scale: Constant(1.0)}
    return replace(distribution, arguments=tuple(standard.items()))


def _scaled(
    node: Parameter, roles: tuple[str, str], z: Term, domain: Domain, lowering: "Lowering"
) -> Term:
    """Location + scale * z"""
    location, scale = (dict(node.distribution.arguments)[name] for name in roles)
    scaled = Call("*", (lowering.term(scale, domain), z))
    if location == Constant(0.0):
        return scaled
    return Call("+", (lowering.term(location, domain), scaled))


def has_set_members(node: Parameter) -> bool:
    """Whether some members are constants: set by the model, or the baseline of a factor."""
    return bool(node.pinned) or node.baseline


def free_level(name: str) -> str:
    """The name of the level of a parameter's members that are not set to constants."""
    return f"free {name}"


def _lower_set_members(node: Parameter, values: Term, lowering: "Lowering") -> None:
    """The values of the free members with the constants beside them."""
    index = [lowering.input(Index(level, free_level(node.name))) for level in node.domain]
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
