"""The order in which a reader meets the nodes: what a statement implies stays together.

Any order in which each node uses only earlier ones is the same model.
"""

from collections.abc import Callable
from dataclasses import replace

from hdsl.expr import names
from hdsl.ir.model import Correlation, Data, Deviations, Model, Node, Parameter
from hdsl.ir.uses import expressions, quantities
from hdsl.source import Span


def together(model: Model, place: Callable[[Span], int]) -> Model:
    """The model with its nodes ordered so that the statements change as seldom as may be.

    ``place`` tells the statement of a span. The first node that is ready and comes from the
    statement of the node before it goes next, else the first that is ready.
    """
    made: set[str] = set()
    rest = [node for node in model.nodes if not isinstance(node, Data)]
    known = {name for node in rest for name in quantities(node)}
    ordered: list[Node] = [node for node in model.nodes if isinstance(node, Data)]
    current = -1
    while rest:
        ready = [node for node in rest if not (_needs(node) & known) - made - set(quantities(node))]
        same = [node for node in ready if place(node.span) == current]
        node = min(same, key=_rank) if same else ready[0]
        current = place(node.span)
        made |= set(quantities(node))
        ordered.append(node)
        rest.remove(node)
    return replace(model, nodes=tuple(ordered))


def _rank(node: Node) -> bool:
    """Within a statement what is drawn alone comes first; `min` keeps the order of the rest."""
    return not isinstance(node, Parameter | Correlation)


def _needs(node: Node) -> set[str]:
    found = {name for _, expr in expressions(node) for name in names(expr)}
    if isinstance(node, Deviations):
        found |= {share.sd for share in node.shares}
        found |= {name for share in node.shares for name in names(share.centre) if node.centred}
    return found
