"""Standard deviations of groups sampled by a score that has short tails, not by their logarithm.

Where the data allow a standard deviation of next to nothing, its logarithm has a long tail: the
way along it and back takes a sampler as long as all the rest of the posterior. The score z with
sd = typical exp(z sqrt(1 + z^2 / 4)) is the logarithm near a typical value, and its tails are a
normal's where those of the logarithm are exponential. One scale of measurement is put in the place
of another: the posterior stays as it is.
"""

from dataclasses import replace

from hdsl.expr import Expr, apply
from hdsl.ir.arranged import Arranged, Remark
from hdsl.ir.facts import Facts
from hdsl.ir.model import Deviations, Model, Parameter
from hdsl.passes.linear import ONE, is_data

NAME = "score"

FINITE_AT_ZERO = {
    "halfnormal": "sigma",
    "halfstudentt": "sigma",
    "halfcauchy": "sigma",
    "exponential": "rate",
}
"""Families whose density at 0 is finite and not 0, which makes the tail; what says their scale."""


def score(arranged: Arranged, facts: Facts | None) -> Arranged:
    """Has the standard deviations of deviations sampled by their scores."""
    sds = {share.sd for node in _deviations(arranged) for share in node.shares}
    nodes = [node for node in arranged.model.nodes if node.name in sds]
    found = [
        (node, typical)
        for node in nodes
        if isinstance(node, Parameter) and (typical := _typical(node, arranged.model)) is not None
    ]
    if not found:
        return arranged
    names = ", ".join(node.name for node, _ in found)
    says = (
        f"scores are sampled of {names}: where next to nothing is possible the tail of a logarithm "
        "is long, and that of a score short"
    )
    return replace(
        arranged,
        scored=tuple((node.name, typical) for node, typical in found),
        remarks=(*arranged.remarks, Remark(NAME, says, span=found[0][0].span)),
    )


def _deviations(arranged: Arranged) -> tuple[Deviations, ...]:
    """All deviations of the model, whatever became of them."""
    kept = tuple(node for node in arranged.model.nodes if isinstance(node, Deviations))
    tiers = () if arranged.gaussian is None else arranged.gaussian.tiers
    integrated = tuple(node for tier in tiers for node in tier.nodes)
    return (*kept, *integrated, *(node for totals in arranged.totals for node in totals.nodes))


def _typical(node: Parameter, model: Model) -> Expr | None:
    """The scale of a parameter's prior; None where the parameter is not sampled by a score."""
    name = FINITE_AT_ZERO.get(node.distribution.family)
    if name is None or not node.is_plain:
        return None
    scale = dict(node.distribution.arguments)[name]
    if not is_data(scale, model):
        return None
    return apply("/", ONE, scale) if name == "rate" and scale != ONE else scale
