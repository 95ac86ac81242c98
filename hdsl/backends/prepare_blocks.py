"""How `prepare` makes a block of columns: side by side, in the order of the model."""

from typing import TYPE_CHECKING

from hdsl.backends.inputs import Column
from hdsl.backends.namer import quoted
from hdsl.backends.terms import domain_of
from hdsl.check.domains import block_axes, grouped
from hdsl.expr import ROW, Block, Domain, Expr
from hdsl.ir.model import Data

if TYPE_CHECKING:
    from hdsl.backends.prepare import Preparing


def make_block(node: Data, block: Block, run: "Preparing") -> None:
    """Add the statements that make a matrix of a block's columns and, where needed, its labels."""
    levels = grouped(run.model.levels, node.domain)
    parts = [_part(item, levels, run) for _, item in block.items]
    run.say(f"{run.made[Column(node.name)]} = np.column_stack([{', '.join(parts)}])")


def _part(item: Expr, levels: Domain, run: "Preparing") -> str:
    """One column, or several as a matrix, over the levels of the block."""
    own = domain_of(item, run.model)
    written = run.write(item, (*levels, *block_axes(run.model.levels, own)))
    if own:
        return written
    size = "len(row)" if levels == (ROW,) else f"len(coords[{quoted(levels[0])}])"
    return f"np.full({size}, {_as_float(written)})"


def _as_float(written: str) -> str:
    """A whole number with a point, or the column would hold whole numbers."""
    return f"{written}.0" if written.isdigit() else written
