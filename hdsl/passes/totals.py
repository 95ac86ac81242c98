"""Totals of several deviations as sites of a model: normal, each given those before it."""

from collections.abc import Iterator
from dataclasses import replace

from hdsl.expr import Apply, Constant, Expr, Value, apply
from hdsl.families.family import REAL
from hdsl.ir.arranged import Totals
from hdsl.ir.model import Correlation, Definition, Deviations, Distribution, Model, Node, Parameter
from hdsl.passes.linear import ONE, product

ZERO = Constant(0.0)


def sites_of(found: Totals, model: Model) -> Iterator[Node]:
    """A normal parameter for each total, given those before it, by the Cholesky factor of their
    covariance written out.
    """
    level, span = found.level, found.nodes[0].span
    covariance = _covariance(found, model)
    roots: dict[tuple[int, int], Expr] = {}
    standard: list[Expr] = []

    def defined(name: str, expr: Expr) -> Iterator[Node]:
        if not isinstance(expr, Value | Constant):
            yield Definition(name=name, domain=(level,), expr=expr, recorded=False, span=span)

    for i, site in enumerate(found.sites):
        mean = found.means[i]
        for j in range(i):
            below = covariance[i][j]
            for k in range(j):
                below = simple(apply("-", below, product(roots[i, k], roots[j, k])))
            name = f"root of {site} by {found.sites[j]}"
            root = simple(apply("/", below, roots[j, j]))
            yield from defined(name, root)
            roots[i, j] = root if isinstance(root, Value | Constant) else Value(name)
            mean = simple(apply("+", mean, apply("*", roots[i, j], standard[j])))
        rest = covariance[i][i]
        for k in range(i):
            rest = simple(apply("-", rest, apply("^", roots[i, k], 2.0)))
        name = f"sd of {site}"
        root = _root(rest)
        yield from defined(name, root)
        roots[i, i] = root if isinstance(root, Value) else Value(name)
        yield from defined(f"mean of {site}", mean)
        centre = mean if isinstance(mean, Value | Constant) else Value(f"mean of {site}")
        prior = Distribution("normal", (("mu", centre), ("sigma", roots[i, i])))
        yield Parameter(name=site, domain=(level,), support=REAL, distribution=prior, span=span)
        gap = simple(apply("-", site, centre))
        deviate = apply("/", gap, roots[i, i])
        yield from defined(f"standard {site}", deviate)
        standard.append(Value(f"standard {site}"))


def _covariance(found: Totals, model: Model) -> list[list[Expr]]:
    """The totals' covariances, by the sds and correlations of the deviations."""
    shares = [(node, k, share) for node in found.nodes for k, share in enumerate(node.shares)]

    def between(a: int, b: int) -> Expr:
        (node, i, share), (other, j, another) = shares[a], shares[b]
        if a == b:
            return apply("^", share.sd, 2.0)
        if node is not other or node.correlation is None:
            return ZERO
        name = correlation_of(node, i, j, model)
        return apply("*", apply("*", share.sd, another.sd), name)

    size = len(shares)
    result: list[list[Expr]] = []
    for row in found.loadings:
        line: list[Expr] = []
        for column in found.loadings[: len(result) + 1]:
            entry: Expr = ZERO
            for a in range(size):
                for b in range(size):
                    scale = product(row[a], column[b])
                    entry = simple(apply("+", entry, apply("*", scale, between(a, b))))
            line.append(entry)
        result.append(line)
    return result


def correlation_of(node: Deviations, i: int, j: int, model: Model) -> str:
    """The name of the correlation of two shares."""
    assert node.correlation is not None
    found = model.by_name[node.correlation]
    if isinstance(found, Correlation):
        return next(name for name, a, b in found.pairs if {a, b} == {i, j})
    return node.correlation


def _root(expr: Expr) -> Expr:
    """The square root, of a square by itself; all that is squared here is positive."""
    match expr:
        case Apply(function="^", arguments=(Value() as base, Constant(value=2.0))):
            return base
        case _:
            return apply("sqrt", expr)


def simple(expr: Expr) -> Expr:
    """The expression without sums and products of zeros."""
    if not isinstance(expr, Apply):
        return expr
    parts = tuple(simple(part) for part in expr.arguments)
    match expr.function, parts:
        case "+", (left, right) if right == ZERO:
            return left
        case "+", (left, right) if left == ZERO:
            return right
        case "-", (left, right) if right == ZERO:
            return left
        case "*", (left, right) if ZERO in (left, right):
            return ZERO
        case "*", (left, right) if ONE in (left, right):
            return right if left == ONE else left
        case ("/", (left, _)) if left == ZERO:
            return ZERO
        case _:
            return replace(expr, arguments=parts)
