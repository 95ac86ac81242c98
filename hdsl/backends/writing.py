"""The functions beside a model while they are written, and what all parts of them need."""

from dataclasses import dataclass, field

from hdsl.backends.hierarchy import covariance_factor, stacked
from hdsl.backends.lower import Lowering
from hdsl.backends.program import Call, Statement, Term
from hdsl.expr import Expr, Value
from hdsl.ir.arranged import Totals
from hdsl.ir.model import Deviations


@dataclass
class Writing:
    """One run: the statements of each function as they grow."""

    lowering: Lowering
    condense: list[Statement] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    body: list[Statement] = field(default_factory=list)
    recover: list[Statement] = field(default_factory=list)
    recovered: list[tuple[str, Term]] = field(default_factory=list)
    returned: list[Term] = field(default_factory=list)
    totals: list[Totals] = field(default_factory=list)  # those that are written already

    def name(self, wish: str) -> str:
        """An identifier of these functions' own."""
        return self.lowering.names(("collapsed", wish), wish)


def factor_of(nodes: tuple[Deviations, ...], lowering: Lowering) -> Term:
    """The Cholesky factor of the covariance of a level's deviations."""
    if all(node.correlation is None for node in nodes):
        every: list[Expr] = [Value(share.sd) for node in nodes for share in node.shares]
        return Call("diagonal", (stacked(every, (), lowering),))
    blocks: list[Term] = []
    for node in nodes:
        sds = stacked([Value(share.sd) for share in node.shares], (), lowering)
        if node.correlation is None:
            blocks.append(Call("diagonal", (sds,)))
        else:
            blocks.append(covariance_factor(node, sds, lowering))
    return blocks[0] if len(blocks) == 1 else Call("block diagonal", tuple(blocks))
