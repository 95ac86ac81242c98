"""Walks told as one value given the one before it, as a paper has them."""

from hdsl.expr import Constant, Expr, Value, apply, substitute
from hdsl.families import FAMILIES
from hdsl.families.structure import Recursion
from hdsl.ir.model import Distribution, Parameter
from hdsl.ir.wrapped import heart


def is_recursive(distribution: Distribution) -> bool:
    """Whether the families' table tells a structure by its values, one after the other."""
    family = FAMILIES.get(distribution.family)
    return family is not None and family.structure is not None and bool(family.structure.recursion)


def recursion_of(node: Parameter) -> Recursion:
    """The mean and sd of a value, at first and after, with the parameter's own arguments."""
    family = heart(node.distribution)
    assert family.structure is not None and family.structure.recursion is not None
    left_out = {p.name: Constant(p.otherwise or 0.0) for p in family.parameters}
    before: Expr = Value(node.name)
    if node.transform is not None:
        inner = apply("-", before) if node.transform.negated else before
        power = node.transform.power
        before = apply(node.transform.link, inner) if power is None else apply("^", inner, power)
    values: dict[str, Expr] = {**left_out, **dict(node.distribution.arguments), "before": before}

    def put(pair: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
        return substitute(pair[0], values), substitute(pair[1], values)

    recursion = family.structure.recursion
    return Recursion(put(recursion.first), put(recursion.after))
