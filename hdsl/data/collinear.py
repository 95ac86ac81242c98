"""Columns of a block that are weighted sums of those before them, found by a QR decomposition."""

from collections.abc import Iterator

import numpy as np

from hdsl.data.column import Column
from hdsl.data.dataset import Dataset
from hdsl.data.problem import finding, listing, quoted
from hdsl.data.table import Numbers
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Apply, Block
from hdsl.ir.model import Data
from hdsl.ir.uses import expressions, values

_ROUNDING = 1e-9  # of a column's length: what is left of it besides the others
_SMALL = 1e-6  # a weight that is no more than rounding

type Tie = tuple[int, tuple[int, ...]]
"""A column and those before it that it is a weighted sum of."""


def check_collinear(dataset: Dataset) -> Iterator[Diagnostic]:
    """A warning for each block that the model uses and that has such columns."""
    used = {
        name
        for node in dataset.model.nodes
        if not isinstance(node, Data)
        for _, expr in expressions(node)
        for name in values(expr)
    }
    for node in dataset.model.nodes:
        if isinstance(node, Data) and isinstance(node.expr, Block) and node.name in used:
            column = dataset.columns.get(node.name)
            if column is not None:
                yield from _check(dataset, node, node.expr, column)


def _check(dataset: Dataset, data: Data, block: Block, column: Column) -> Iterator[Diagnostic]:
    matrix = column.numbers
    known = np.isfinite(matrix).all(axis=1)
    ties = tied(matrix if known.all() else matrix[known])
    if not ties:
        return
    labels = dataset.groups[block.axis].labels
    said = [_said(labels, tie) for tie in ties]
    onehot = any(isinstance(item, Apply) and item.function == "onehot" for _, item in block.items)
    help = (
        f"leave one of them out, or set its coefficient: `theta[{quoted(labels[ties[0][0]])}] = 0`"
    )
    if onehot:
        help = "`dummies` in place of `onehot` leaves one label out, as the baseline"
    yield finding(
        "H942",
        f"in the block `{data.name}` {said[0]}",
        data.span,
        "the data cannot tell their coefficients apart",
        notes=["; ".join(said[1:4])] if said[1:] else [],
        help=help,
    )


def _said(labels: tuple[str, ...], tie: Tie) -> str:
    place, others = tie
    if not others:
        return f"{quoted(labels[place])} is 0 everywhere"
    names = listing(quoted(labels[i]) for i in others)
    return f"{quoted(labels[place])} is a weighted sum of {names}"


def tied(matrix: Numbers) -> list[Tie]:
    """The columns that are weighted sums of those before them; columns of length 0 too.

    >>> tied(np.array([[1.0, 0.0, 1.0], [1.0, 2.0, 3.0], [1.0, 3.0, 4.0]]))
    [(2, (0, 1))]
    """
    lengths = np.sqrt((matrix**2).sum(axis=0))
    upper = np.linalg.qr(matrix / np.where(lengths > 0, lengths, 1.0), mode="r")
    found: list[Tie] = []
    free: list[int] = []
    for place in range(matrix.shape[1]):
        if place < len(upper) and abs(upper[place, place]) > _ROUNDING:
            free.append(place)
            continue
        weights = np.linalg.lstsq(upper[:, free], upper[:, place])[0]
        parts = zip(free, weights, strict=True)
        found.append((place, tuple(i for i, w in parts if abs(w) > _SMALL)))
    return found
