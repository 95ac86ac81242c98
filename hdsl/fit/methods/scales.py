"""Which sites say how far other quantities spread: the hyper-parameters of an approximation.

Group effects have a mode given these; together with them they may have none, for a standard
deviation that goes to zero takes its deviations along.
"""

from __future__ import annotations

from collections.abc import Iterator

from hdsl.expr import Expr
from hdsl.families import FAMILIES
from hdsl.families.family import Role
from hdsl.ir.model import Correlation, Deviations, Distribution, Model, Outcome, Parameter
from hdsl.ir.text import text_of_target
from hdsl.ir.uses import expressions, values

SPREADING = (Role.SCALE, Role.SHAPE)


def scale_sites(model: Model) -> frozenset[str]:
    """The names that sites of scales, shapes and correlations may have.

    Whatever such an argument is computed from counts: of `sigma` where `log(sigma) ~ region` the
    mean and the standard deviation of `log(sigma)`, and its deviations.
    """
    found: set[str] = set()
    pending = list(_used(model))
    while pending:
        name = pending.pop()
        node = model.by_name.get(name)
        if name not in found and node is not None:
            found.add(name)
            pending += [n for _, expr in expressions(node) for n in values(expr)]
    sites: set[str] = set()
    for node in model.nodes:
        if isinstance(node, Parameter) and node.name in found:
            site = text_of_target(node.name, node.transform)
            sites |= {site, f"{site} free", f"z({site})", f"z({site} free)", f"{node.name} unit"}
        elif isinstance(node, Correlation):
            sites.add(f"cholesky({node.name.removeprefix('cor(').removesuffix(')')})")
    return frozenset(sites)


def _used(model: Model) -> Iterator[str]:
    """The quantities that a scale, a shape or a correlation uses."""
    for node in model.nodes:
        match node:
            case Deviations():
                for _, expr in expressions(node):
                    yield from values(expr)
            case Parameter(distribution=distribution) | Outcome(distribution=distribution):
                for expr in _spreading(distribution):
                    yield from values(expr)
            case _:
                pass


def _spreading(distribution: Distribution) -> Iterator[Expr]:
    family = FAMILIES.get(distribution.family)
    roles = {p.name: p.role for p in family.parameters} if family is not None else {}
    for name, expr in distribution.arguments:
        if roles.get(name) in SPREADING:
            yield expr
    for inner in distribution.inner:
        yield from _spreading(inner)
