"""Sums of expressions, and the functions that stand left of a statement, forth and back."""

from hdsl.expr import Apply, Constant, Expr
from hdsl.families.links import link_of
from hdsl.ir.model import Transform


def invert(transform: Transform | None, expr: Expr) -> Expr:
    """The value whose function is ``expr``."""
    if transform is None:
        return expr
    found = link_of(transform.link, transform.power).invert(expr)
    return Apply("-", (found,)) if transform.negated else found


def forward(transform: Transform | None, expr: Expr) -> Expr:
    """The function of a value that a transform names."""
    if transform is None:
        return expr
    if transform.negated:
        expr = Apply("-", (expr,))
    return link_of(transform.link, transform.power).apply(expr)


def total(pieces: list[Expr]) -> Expr:
    """The sum of some expressions; zero of none."""
    if not pieces:
        return Constant(0.0)
    result = pieces[0]
    for piece in pieces[1:]:
        result = Apply("+", (result, piece))
    return result
