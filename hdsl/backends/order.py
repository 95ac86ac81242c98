"""The order in which a reader meets the nodes: what a statement implies stays together.

Any order in which each node uses only earlier ones is the same model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from hdsl.expr import names
from hdsl.ir.model import Correlation, Data, Deviations, Model, Node, Parameter
from hdsl.ir.uses import expressions, quantities
from hdsl.source import Span


def together(model: Model, place: Callable[[Span], int]) -> Model:
    """The model with its nodes ordered so that the statements change as seldom as may be.

    ``place`` tells the statement of a span. What is ready and comes from the statement of the node
    before it goes next, else the statement of the first node that is ready.
    """
    data = [node for node in model.nodes if isinstance(node, Data)]
    rest = [node for node in model.nodes if not isinstance(node, Data)]
    makers = {name: i for i, node in enumerate(rest) for name in quantities(node)}
    waiting = [
        {makers[n] for n in _needs(node) & makers.keys()} - {i} for i, node in enumerate(rest)
    ]
    users: dict[int, list[int]] = {}
    for i, makers_of in enumerate(waiting):
        for maker in makers_of:
            users.setdefault(maker, []).append(i)
    queue = _Ready([place(node.span) for node in rest], [_rank(node) for node in rest])
    for i, makers_of in enumerate(waiting):
        if not makers_of:
            queue.add(i)
    ordered: list[Node] = []
    while len(ordered) < len(rest):
        i = queue.take()
        ordered.append(rest[i])
        for user in users.get(i, ()):
            waiting[user].discard(i)
            if not waiting[user]:
                queue.add(user)
    return replace(model, nodes=(*data, *ordered))


@dataclass
class _Ready:
    """The nodes that may go next, by number: first those of the statement that is being told."""

    places: list[int]
    ranks: list[bool]
    here: dict[int, list[tuple[bool, int]]] = field(default_factory=dict)
    anywhere: list[int] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    current: int = -1

    def add(self, node: int) -> None:
        heappush(self.here.setdefault(self.places[node], []), (self.ranks[node], node))
        heappush(self.anywhere, node)

    def take(self) -> int:
        same = self.here.get(self.current)
        if not same:
            while self.anywhere[0] in self.taken:
                heappop(self.anywhere)
            self.current = self.places[self.anywhere[0]]
            same = self.here[self.current]
        _, node = heappop(same)
        self.taken.add(node)
        return node


def _rank(node: Node) -> bool:
    """Within a statement what is drawn alone comes first; `min` keeps the order of the rest."""
    return not isinstance(node, Parameter | Correlation)


def _needs(node: Node) -> set[str]:
    found = {name for _, expr in expressions(node) for name in names(expr)}
    if isinstance(node, Deviations):
        found |= {share.sd for share in node.shares}
        found |= {name for share in node.shares for name in names(share.centre) if node.centred}
    return found
