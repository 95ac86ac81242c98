"""The order of a model's nodes, circles among them, and what nothing uses."""

from collections.abc import Iterable, Iterator, Sequence

from hdsl.check.resolve import Resolver
from hdsl.check.scope import CoefficientSpec, text
from hdsl.expr import Expr, names
from hdsl.ir.model import (
    Correlation,
    Data,
    Definition,
    Deviations,
    Node,
    Outcome,
    Parameter,
)
from hdsl.ir.uses import expressions, quantities
from hdsl.source import Span


def node_expressions(node: Node) -> Iterator[Expr]:
    """All that must be known before the node, its centre included where it is centred."""
    for _, expr in expressions(node):
        yield expr
    if isinstance(node, Deviations) and node.centred:
        for share in node.shares:
            yield share.centre


def used_names(nodes: Iterable[Node]) -> set[str]:
    """Every quantity that some node's expressions mention."""
    nodes = tuple(nodes)
    lagged = {node.lag.of for node in nodes if isinstance(node, Data) and node.lag is not None}
    found = {name for node in nodes for expr in node_expressions(node) for name in names(expr)}
    return found | lagged


def in_order(resolver: Resolver, nodes: list[Node]) -> tuple[Node, ...]:
    """The nodes so that each uses earlier ones only: data, then as written, outcomes last.

    What one statement makes stays together, what is sampled before what is computed. A circle
    is reported and cut.
    """
    ranked = sorted(nodes, key=_rank)
    needs = _Needs(ranked)
    placed: dict[int, Node] = {}
    for root in ranked:
        path: list[tuple[Node, Iterator[tuple[Node, bool]]]] = []
        if id(root) not in placed:
            path.append((root, needs.of(root)))
        while path:
            node, pending = path[-1]
            below, must = next(pending, (None, False))
            if below is None:
                placed[id(node)] = node
                path.pop()
            elif any(below is above for above, _ in path):
                if must:
                    _circle(resolver, [above for above, _ in path], below)
            elif id(below) not in placed:
                path.append((below, needs.of(below)))
    return tuple(placed.values())


class _Needs:
    """What must, and what should, stand before a node."""

    def __init__(self, ranked: list[Node]) -> None:
        self.makers = {name: node for node in ranked for name in quantities(node)}
        self.position = {id(node): i for i, node in enumerate(ranked)}
        self.siblings: dict[int, list[Node]] = {}
        for node in ranked:
            if not isinstance(node, Data | Outcome):
                self.siblings.setdefault(node.span.start, []).append(node)

    def of(self, node: Node) -> Iterator[tuple[Node, bool]]:
        """Nodes that go first, in order; True for those that it uses."""
        used = {
            id(self.makers[name]): self.makers[name]
            for expr in node_expressions(node)
            for name in names(expr)
            if name in self.makers
        }
        earlier = {
            id(sibling): sibling
            for sibling in self.siblings.get(node.span.start, ())
            if self.position[id(sibling)] < self.position[id(node)]
        }
        first = sorted((used | earlier).values(), key=lambda n: self.position[id(n)])
        return iter([(n, id(n) in used) for n in first])


_KINDS = (Data, Parameter, Correlation, Deviations, Definition, Outcome)


def _rank(node: Node) -> tuple[bool, bool, int, int]:
    return (
        not isinstance(node, Data),
        isinstance(node, Outcome),
        node.span.start,
        _KINDS.index(type(node)),
    )


def _circle(resolver: Resolver, path: list[Node], back_to: Node) -> None:
    start = next(i for i, node in enumerate(path) if node is back_to)
    loop = [*path[start:], back_to]
    shown = " -> ".join(node.name for node in loop)
    if not any(d.code == "H209" for d in resolver.scope.diagnostics):
        resolver.scope.report(
            "H209",
            f"`{back_to.name}` is defined by itself",
            back_to.span,
            shown,
            help="break the circle: a quantity uses what is known before it",
        )


def report_unused(resolver: Resolver, nodes: Sequence[Node]) -> frozenset[str]:
    """Report, and give, what nothing uses: the model is then hardly the one that was meant."""
    scope = resolver.scope
    reported = {text(expr) for expr in scope.reports}
    used = used_names(nodes) | reported
    unused: set[str] = set()
    for name, spec in scope.parameters.items():
        if spec.target is not None and spec.target.accessor is None and name not in used:
            unused.add(name)
            _unused(resolver, name, spec.target.span)
    users: dict[str, set[int]] = {}  # by name, the statements that use it
    for node in nodes:
        for name in used_names([node]):
            users.setdefault(name, set()).add(node.span.start)
    for coefficient in scope.coefficients.values():
        own = {coefficient.statement.span.start}
        totals = _totals(coefficient)
        if totals.isdisjoint(reported) and not any(users.get(n, own) - own for n in totals):
            unused.add(coefficient.name)
            _unused(resolver, coefficient.name, coefficient.target.span)
    return frozenset(unused)


def _totals(spec: CoefficientSpec) -> set[str]:
    return {spec.name} | {
        made
        for level in spec.levels
        for made in (f"{spec.name}[{level}]", f"dev({spec.scale})", f"dev({spec.scale}, {level})")
    }


def _unused(resolver: Resolver, name: str, span: Span) -> None:
    near = resolver.scope.suggestion(name)
    resolver.scope.report(
        "H208",
        f"nothing uses `{name}`",
        span,
        "a parameter that no other statement mentions",
        help="use it in the outcome's distribution, or take the statement away",
        notes=(near,) if near and f"`{name}`" not in near else (),
    )
