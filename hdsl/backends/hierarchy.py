"""Group-specific deviations and their correlations, centred and not, as neutral statements.

Both ways are the same distribution (LANGUAGE §4.4); they differ in what is sampled.
"""

from typing import TYPE_CHECKING

from hdsl.backends.program import (
    Call,
    CholeskyLkj,
    Drawn,
    Gather,
    JointNormal,
    Number,
    Sample,
    Term,
    Variable,
)
from hdsl.check.domains import domain_of
from hdsl.expr import Constant, Domain, Expr, Value
from hdsl.ir.model import Correlation, Deviations, Share

if TYPE_CHECKING:
    from hdsl.backends.lower import Lowering

_ZERO, _ONE = Number(0.0), Number(1.0)


def lower_deviations(node: Deviations, lowering: "Lowering") -> None:
    """The deviations of a level: one share or several jointly."""
    if node.centred and len(node.shares) == 1 and node.correlation is None:
        _centred(node.shares[0], node.level, lowering)
    elif node.centred and node.correlation is not None:
        _centred_jointly(node, lowering)
    elif node.centred:
        for share in node.shares:
            _centred(share, node.level, lowering)
    else:
        _noncentred(node, lowering)


def _inside(share: Share) -> str:
    """`alpha, market` of `dev(alpha, market)`."""
    return share.deviation.removeprefix("dev(").removesuffix(")")


def deviate_site(share: Share) -> str:
    """The site of a share's standard deviates: `z(alpha, market)`."""
    return f"z({_inside(share)})"


def _keep(share: Share, domain: Domain, value: Term, lowering: "Lowering") -> None:
    lowering.keep(share.deviation, domain, value, share.reported or lowering.is_small(domain))


# ---------------------------------------------------------------- non-centred


def _noncentred(node: Deviations, lowering: "Lowering") -> None:
    standard = []
    for share in node.shares:
        site = deviate_site(share)
        domain = (node.level, *share.axes)
        normal = Drawn("normal", (("mu", _ZERO), ("sigma", _ONE)))
        sample = Sample(lowering.variable(site), site, normal, domain)
        standard.append(lowering.auxiliary_site(site, sample))
    for share, z in zip(node.shares, _correlated(node, standard, lowering), strict=True):
        domain = (node.level, *share.axes)
        scaled = Call("*", (lowering.term(Value(share.sd), domain), z))
        _keep(share, domain, scaled, lowering)


def _correlated(node: Deviations, standard: list[Variable], lowering: "Lowering") -> list[Term]:
    """The standard deviates with the node's correlation put in."""
    if node.correlation is None:
        return list(standard)
    if len(node.shares) == 2:
        first, second = standard
        rho = lowering.term(Value(node.correlation), ())
        mixed = Call(
            "+",
            (Call("*", (rho, first)), Call("*", (_root(rho), second))),
        )
        return [first, mixed]
    factor = Call("transpose", (_factor(node.correlation, lowering),))
    if len(standard) == 1:
        return [Call("matmul", (standard[0], factor))]
    target = lowering.names((node.name, "z"), f"correlated {node.level}")
    value = Call("matmul", (Call("stack", tuple(standard)), factor))
    lowering.assign(target, value)
    axes = [":"] * (1 + len(node.shares[0].axes))
    return [Gather(Variable(target), (*axes, str(i))) for i in range(len(standard))]


def _root(rho: Term) -> Term:
    """sqrt(1 - rho^2)"""
    return Call("sqrt", (Call("-", (_ONE, Call("^", (rho, Number(2.0))))),))


# ---------------------------------------------------------------- centred


def _centred(share: Share, level: str, lowering: "Lowering") -> None:
    domain = (level, *share.axes)
    site = f"centred({_inside(share)})"
    location = lowering.term(share.centre, domain)
    scale = lowering.term(Value(share.sd), domain)
    normal = Drawn("normal", (("mu", location), ("sigma", scale)))
    value = lowering.auxiliary_site(site, Sample(lowering.variable(site), site, normal, domain))
    _deviation(share, site, domain, value, lowering)


def _deviation(share: Share, site: str, domain: Domain, value: Term, lowering: "Lowering") -> None:
    """Deviation = value - centre; and wherever the model adds the two, the value itself stands."""
    location = lowering.term(share.centre, domain)
    dev = value if location == _ZERO else Call("-", (value, location))
    _keep(share, domain, dev, lowering)
    if isinstance(value, Variable) and share.centre != Constant(0.0):
        lowering.laid_out[site] = value, domain
        lowering.centred[share.deviation] = lowering.spread(share.centre), site


def _centred_jointly(node: Deviations, lowering: "Lowering") -> None:
    """One multivariate normal along a last axis: the shares, or the correlated axis of one."""
    shares, axes = node.shares, node.shares[0].axes
    joint = [share.coefficient for share in shares]
    if _inside(shares[0]) != shares[0].coefficient:
        joint.append(node.level)
    site = f"centred({', '.join(joint)})"
    domain: Domain = (node.level, *axes)
    if len(shares) == 1:
        location = lowering.term(shares[0].centre, domain)
        sds = lowering.term(Value(shares[0].sd), axes)
        plates, event = domain[:-1], lowering.size(axes[-1])
    else:
        location = stacked([share.centre for share in shares], domain, lowering)
        sds = stacked([Value(share.sd) for share in shares], axes, lowering)
        plates, event = domain, str(len(shares))
    prior = JointNormal(location, covariance_factor(node, sds, lowering))
    sample = Sample(lowering.variable(site), site, prior, plates, event=event)
    value = lowering.auxiliary_site(site, sample)
    for i, share in enumerate(shares):
        own = value
        if len(shares) > 1:
            target = lowering.names((site, i), f"centred({_inside(share)})")
            lowering.assign(target, Gather(value, (*[":"] * len(domain), str(i))))
            own = Variable(target)
        _deviation(share, f"{site} {i}", domain, own, lowering)


def stacked(exprs: list[Expr], domain: Domain, lowering: "Lowering") -> Term:
    """The values side by side along a last axis, brought to one shape first where they differ."""
    terms = [lowering.term(expr, domain) for expr in exprs]
    own = [set(domain_of(expr, lowering.model)) for expr in exprs]
    if all(isinstance(term, Number) for term in terms):
        return Call("zeros", (Variable(str(len(terms))),))
    if any(levels != own[0] for levels in own):
        whole = lowering.shape(domain)
        terms = [
            term if levels == set(domain) else Call("broadcast", (term, whole))
            for term, levels in zip(terms, own, strict=True)
        ]
    return Call("stack", tuple(terms))


def covariance_factor(node: Deviations, sds: Term, lowering: "Lowering") -> Term:
    """Cholesky factor of the covariance: the sds times that of the correlations."""
    shares = node.shares
    assert node.correlation is not None
    if len(shares) != 2:
        return Call("*", (Gather(sds, ("...", "None")), _factor(node.correlation, lowering)))
    rho = lowering.term(Value(node.correlation), ())
    if shares[0].axes:
        unit = Call("matrix2", (_ONE, _ZERO, rho, _root(rho)))
        return Call("*", (Gather(sds, ("...", "None")), unit))
    first, second = (lowering.term(Value(share.sd), ()) for share in shares)
    below = Call("*", (second, rho))
    right = Call("*", (second, _root(rho)))
    return Call("matrix2", (first, _ZERO, below, right))


# ---------------------------------------------------------------- correlations


def cholesky_site(name: str) -> str:
    """The site of the Cholesky factor of a correlation: `cholesky(a, b, c)` of `cor(a, b, c)`."""
    return f"cholesky({name.removeprefix('cor(').removesuffix(')')})"


def _factor(name: str, lowering: "Lowering") -> Variable:
    return Variable(lowering.variable(cholesky_site(name)))


def lower_correlation(node: Correlation, lowering: "Lowering") -> None:
    """The Cholesky factor is sampled; correlations are recorded, pair by pair or as a matrix."""
    site = cholesky_site(node.name)
    size = lowering.size(node.axis) if node.axis is not None else str(len(node.between))
    prior = CholeskyLkj(size, lowering.term(node.concentration, ()))
    factor = lowering.auxiliary_site(site, Sample(lowering.variable(site), site, prior, ()))
    lowering.laid_out[site] = factor, ()
    product = Call("matmul", (factor, Call("transpose", (factor,))))
    if node.axis is not None:
        lowering.twins.append(node.axis)
        lowering.keep(node.name, (node.axis, f"{node.axis}_2"), product)
        return
    target = lowering.names((node.name, "matrix"), node.name)
    lowering.assign(target, product)
    for name, i, j in node.pairs:
        lowering.keep(name, (), Gather(Variable(target), (str(i), str(j))))
