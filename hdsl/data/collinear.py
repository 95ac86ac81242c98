"""Columns of a block that are weighted sums of those before them, found by a QR decomposition.

An intercept in the same sum is one of those before them.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from hdsl.check.predictor import Line, Predictors
from hdsl.data.column import Column
from hdsl.data.dataset import Dataset
from hdsl.data.problem import finding, listing, quoted
from hdsl.data.table import Numbers
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Apply, Block, Expr, Value
from hdsl.families import Role
from hdsl.ir.model import Data, Model, Parameter
from hdsl.ir.text import text_of
from hdsl.ir.uses import expressions, values
from hdsl.ir.wrapped import parameter_of

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
    beside = dict(_beside_intercepts(dataset.model))
    for node in dataset.model.nodes:
        if isinstance(node, Data) and isinstance(node.expr, Block) and node.name in used:
            column = dataset.columns.get(node.name)
            if column is not None:
                yield from _check(dataset, node, node.expr, column, beside.get(node.name))


def _check(
    dataset: Dataset, data: Data, block: Block, column: Column, intercept: str | None
) -> Iterator[Diagnostic]:
    labels, matrix = dataset.groups[block.axis].labels, column.numbers
    fixed = _fixed(dataset.model, block.axis)
    free = [i for i, label in enumerate(labels) if label not in fixed]
    known = np.isfinite(matrix).all(axis=1)
    matrix = (matrix if known.all() else matrix[known])[:, free]
    names = [quoted(labels[i]) for i in free]
    ties = tied(matrix)
    if not ties and intercept is not None:
        ties = tied(np.column_stack([np.ones(len(matrix)), matrix]))
        names.insert(0, f"the intercept `{intercept}`")
    if not ties:
        return
    said = [_said(names, tie) for tie in ties]
    onehot = any(isinstance(item, Apply) and item.function == "onehot" for _, item in block.items)
    help = f"leave one of them out, or set its coefficient: `theta[{names[ties[0][0]]}] = 0`"
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


def _beside_intercepts(model: Model) -> Iterator[tuple[str, str]]:
    """Each block to whose sum with coefficients an intercept is added, and that intercept."""
    for line in Predictors(model.outcomes, model.by_name.get).lines():
        intercept = _intercept(model, line)
        if intercept is None:
            continue
        for term in line.terms:
            if isinstance(term.data, Value) and _free(model, term.rest) is not None:
                yield term.data.name, intercept


def _intercept(model: Model, line: Line) -> str | None:
    """The free number of a sum that data multiply not at all; the cut points of labels are one."""
    for argument, expr in line.distribution.arguments:
        if parameter_of(line.distribution, argument)[0].role is Role.CUTS:
            return text_of(expr)
    terms = (term.rest for term in line.terms if term.data is None)
    found = (node for rest in terms if (node := _free(model, rest)) is not None)
    return next((node.name for node in found if not node.domain and not node.pinned), None)


def _free(model: Model, rest: Sequence[Expr]) -> Parameter | None:
    """The parameter that a term consists of, unless its prior is learned: then it is pooled."""
    [only, *more] = rest or (None,)
    node = model.by_name.get(only.name) if isinstance(only, Value) and not more else None
    if not isinstance(node, Parameter) or node.transform is not None:
        return None
    used = (model.by_name.get(name) for _, expr in expressions(node) for name in values(expr))
    return node if all(isinstance(each, Data) for each in used) else None


def _fixed(model: Model, axis: str) -> frozenset[str]:
    """The columns whose coefficient is a number wherever the block has coefficients."""
    found = [
        frozenset(place[node.domain.index(axis)] for place, _ in node.pinned)
        for node in model.nodes
        if isinstance(node, Parameter) and axis in node.domain
    ]
    return frozenset.intersection(*found) if found else frozenset()


def _said(names: Sequence[str], tie: Tie) -> str:
    place, others = tie
    if not others:
        return f"{names[place]} is 0 everywhere"
    return f"{names[place]} is a weighted sum of {listing(names[i] for i in others)}"


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
