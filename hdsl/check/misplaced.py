"""Values that vary over more than they may where they stand, and levels reached in two ways."""

from typing import TYPE_CHECKING

from hdsl.check.domains import reaching
from hdsl.check.spelling import quoted
from hdsl.check.targets import Target
from hdsl.expr import ROW, Domain, Expr, Member, Value, walk
from hdsl.ir.model import LevelKind
from hdsl.syntax import ast

if TYPE_CHECKING:
    from hdsl.check.resolve import Resolver


def refuse_ambiguity(resolver: "Resolver", expr: Expr, domain: Domain) -> None:
    """Report a coarser level that a grid reaches through two of its levels."""
    for node in walk(expr):
        for level in resolver.domain(node) if isinstance(node, Value | Member) else ():
            ways = reaching(resolver.scope.levels, domain, level)
            if len(ways) > 1:
                resolver.scope.report(
                    "H214",
                    f"`{level}` can be reached in two ways here",
                    node.span,
                    f"both {quoted(ways)} lie in `{level}`",
                    help=f"which `{level}` is meant? keep the two apart, down to the rows",
                )


def blame(resolver: "Resolver", expr: Expr, domain: Domain, beyond: Domain, whose: str) -> None:
    """Report the operand that varies over a level which is not allowed where it stands."""
    level = beyond[0]
    culprit = expr
    for node in walk(expr):
        if isinstance(node, Value | Member) and level in resolver.domain(node):
            culprit = node
            break
    varies = f"varies over `{level}`"
    allowed = f"one value per {quoted(domain)}" if domain else "a single value"
    resolver.scope.report(
        "H206",
        f"{whose} is {allowed}, and this varies over `{level}`",
        culprit.span,
        varies,
        help=f"sum over the columns of the block: `{level} @ …`"
        if resolver.scope.levels[level].kind is LevelKind.BLOCK
        else f"index the left side: `[{', '.join((*domain, level))}]`"
        if level != ROW
        else "a row-long value can stand in an outcome's distribution or a definition only",
    )


def refuse_index(resolver: "Resolver", target: Target, domain: Domain) -> None:
    """Report an outcome with an index that is not where it lives."""
    scope = resolver.scope
    stated = tuple(scope.level_name(i) for i in target.index if isinstance(i, ast.LevelName))
    if target.index and (len(stated) < len(target.index) or stated != domain):
        scope.report(
            "H206",
            f"`{target.name}` is data per `{domain[0] if domain else 'model'}`",
            target.span,
            "the index says otherwise",
            help=f"declare it `data {target.name} : real per {(*stated, 'LEVEL')[0]}`",
        )
