"""The levels whose members hang together, so that a new one would move all the others."""

from hdsl.expr import Domain
from hdsl.ir.model import Correlation, Parameter
from hdsl.ir.wrapped import heart


def closed_levels(node: Parameter | Correlation) -> Domain:
    """The levels along which values sum to zero or to one, increase, or are correlated."""
    if isinstance(node, Correlation):
        return (node.axis,) if node.axis is not None else ()
    family, along = heart(node.distribution), node.distribution.along
    if node.increasing:
        return node.domain[-1:]
    if family.name == "zerosum":
        return node.domain
    is_vector = family.structure is None or family.structure.value is None
    return (along,) if along is not None and is_vector else ()
