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
    return {name for node in nodes for expr in node_expressions(node) for name in names(expr)}


def in_order(resolver: Resolver, nodes: list[Node]) -> tuple[Node, ...]:
    """The nodes so that each uses earlier ones only; data first, else as written.

    A circle is reported and cut.
    """
    makers = {name: node for node in nodes for name in quantities(node)}
    ranked = sorted(nodes, key=_rank)
    placed: dict[int, Node] = {}
    open_nodes: dict[int, Node] = {}
    for root in ranked:
        pending: list[tuple[Node, Iterator[Node]]] = []

        def enter(node: Node, pending: list[tuple[Node, Iterator[Node]]] = pending) -> None:
            needs = sorted(
                {
                    id(makers[name]): makers[name]
                    for expr in node_expressions(node)
                    for name in names(expr)
                    if name in makers
                }.values(),
                key=_rank,
            )
            if isinstance(node, Outcome):
                needs = [n for n in needs if n is not node]
            open_nodes[id(node)] = node
            pending.append((node, iter(needs)))

        if id(root) not in placed:
            enter(root)
        while pending:
            node, needs = pending[-1]
            below = next(needs, None)
            if below is None:
                placed[id(node)] = node
                open_nodes.pop(id(node), None)
                pending.pop()
            elif id(below) in open_nodes:
                _circle(resolver, [n for n, _ in pending], below)
            elif id(below) not in placed:
                enter(below)
    return tuple(placed.values())


_KINDS = (Data, Parameter, Correlation, Deviations, Definition, Outcome)


def _rank(node: Node) -> tuple[bool, int, int]:
    """Data first; then as written; within a statement what is sampled before what is computed."""
    return not isinstance(node, Data), node.span.start, _KINDS.index(type(node))


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
    for coefficient in scope.coefficients.values():
        others = [n for n in nodes if n.span != coefficient.statement.span]
        if not _totals(coefficient) & (used_names(others) | reported):
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
