"""Transforms that give several columns, computed from data as the generated ``prepare`` does."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hdsl.check.domains import grouped
from hdsl.data.column import Column
from hdsl.data.levels import in_order
from hdsl.data.problem import finding, listing, quoted
from hdsl.data.table import Codes, Numbers
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import SEVERAL, Apply, Constant, Domain, Expr, Label
from hdsl.ir.blocks import prefixed, spline_members
from hdsl.ir.model import Data
from hdsl.ir.text import text_of

if TYPE_CHECKING:
    from hdsl.data.evaluate import Evaluator

type Made = tuple[tuple[str, ...], Column]
"""The members and the columns as a matrix over the level where the data live."""


class NoColumnsError(Exception):
    """Raised where the data do not allow to make the columns; holds what to say."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.headline)


def is_several(expr: Expr) -> bool:
    """Whether an item of a block gives several columns by itself."""
    return isinstance(expr, Apply) and expr.function in SEVERAL


def several(evaluator: "Evaluator", item: tuple[str, Expr], axis: str, domain: Domain) -> Made:
    """The names of a transform's columns and the columns, over a level and the block's axis.

    Raises ``NoColumnsError`` where the data do not allow it, ``NotDataError`` where they are
    not there.
    """
    label, call = item
    assert isinstance(call, Apply)
    own = evaluator.domain_of(call) or domain
    own = grouped(evaluator.model.levels, own)
    members, column = _MADE[call.function](evaluator, call, own)
    column = evaluator.gathered(Column((*own, axis), column.values, column.missing), domain)
    return prefixed(label, members), column


def _coded(evaluator: "Evaluator", factor: Expr, own: Domain) -> tuple[tuple[str, ...], Codes]:
    """The labels of a factor in their order, and the place of each value; -1 where missing."""
    column = evaluator.at(factor, own)
    known = [str(value) for value in dict.fromkeys(column.values[~column.missing].tolist())]
    node = evaluator.model.by_name.get(text_of(factor))
    declared = node.members if isinstance(node, Data) else ()
    labels = tuple(m for m in declared if m in known) or tuple(in_order(known))
    place = {label: i for i, label in enumerate(labels)}
    return labels, np.array([place.get(value, -1) for value in column.values.tolist()], dtype=int)


def _onehot(evaluator: "Evaluator", call: Apply, own: Domain) -> Made:
    labels, codes = _coded(evaluator, call.arguments[0], own)
    matrix = np.zeros((len(codes), len(labels)))
    present = np.flatnonzero(codes >= 0)
    matrix[present, codes[present]] = 1.0
    missing = np.broadcast_to((codes < 0)[:, np.newaxis], matrix.shape)
    return labels, Column((), matrix, missing)


def _dummies(evaluator: "Evaluator", call: Apply, own: Domain) -> Made:
    labels, column = _onehot(evaluator, call, own)
    written = next((b.text for b in call.arguments[1:] if isinstance(b, Label)), None)
    baseline = labels[0] if written is None and labels else written
    kept = [i for i, label in enumerate(labels) if label != baseline]
    if not kept:
        raise NoColumnsError(
            finding(
                "H935",
                f"`{text_of(call.arguments[0])}` has one label only, so that nothing is left "
                "beside the baseline",
                call.span,
                f"every value is {quoted(labels[0])}" if labels else "it has no labels",
                help="leave it out of the block",
            )
        )
    members = tuple(labels[i] for i in kept)
    return members, Column((), column.values[:, kept], column.missing[:, kept])


def _spline(evaluator: "Evaluator", call: Apply, own: Domain) -> Made:
    x, df = call.arguments
    assert isinstance(df, Constant)
    column, count = evaluator.at(x, own), int(df.value)
    known = column.known[np.isfinite(column.known)]
    if len(np.unique(known)) <= count:
        raise NoColumnsError(
            finding(
                "H940",
                f"`{text_of(call)}` needs more than {count} distinct values",
                call.span,
                f"`{text_of(x)}` has {len(np.unique(known))}",
                help=f"take fewer columns, or its labels: `onehot({text_of(x)})`",
            )
        )
    missing = np.repeat(column.missing[:, np.newaxis], count, axis=1)
    return spline_members(count), Column((), natural_spline(column.numbers, count), missing)


def natural_spline(x: Numbers, df: int) -> Numbers:
    """A natural cubic spline in ``df`` columns, shape (len(x), df), NaN where x is missing.

    Knots at quantiles of the distinct values, linear beyond the outermost two (Hastie, Tibshirani
    and Friedman, The Elements of Statistical Learning, 2009, equation 5.4), turned so that the
    columns have mean 0 and sd 1 and are uncorrelated.
    """
    known = np.isfinite(x)
    knots = np.quantile(np.unique(x[known]), np.linspace(0, 1, df + 1))
    low, high = knots[0], knots[-1]
    at, knots = (x - low) / (high - low), (knots - low) / (high - low)

    def beyond(knot: float) -> Numbers:
        cubes = np.maximum(at - knot, 0) ** 3 - np.maximum(at - 1, 0) ** 3
        return np.asarray(cubes / (1 - knot))

    basis = np.column_stack([at, *(beyond(knot) - beyond(knots[-2]) for knot in knots[: df - 1])])
    centred = basis - basis[known].mean(axis=0)
    upper = np.linalg.qr(centred[known])[1]
    turn = np.linalg.inv(upper) * np.sign(np.diag(upper)) * np.sqrt(known.sum() - 1)
    return np.asarray(centred @ turn)


def _spread(evaluator: "Evaluator", call: Apply, own: Domain) -> Made:
    x, owner, *by = call.arguments
    column = evaluator.at(x, own)
    labels, owners = _coded(evaluator, owner, own)
    places, names = _places(evaluator, by, own)
    use = np.flatnonzero((owners >= 0) & (places >= 0) & ~column.missing)
    wide = np.full((len(names), len(labels)), np.nan)
    wide[places[use], owners[use]] = column.numbers[use]
    differs = use[wide[places[use], owners[use]] != column.numbers[use]]
    if len(differs):
        i = int(differs[0])
        raise _no_spread(call, labels[owners[i]], names[places[i]], "has several values")
    gaps = np.argwhere(np.isnan(wide))
    if len(gaps):
        place, label = gaps[0]
        raise _no_spread(call, labels[label], names[place], "is not known", len(gaps))
    return labels, Column((), wide[places], np.zeros((len(places), len(labels)), dtype=bool))


def _places(evaluator: "Evaluator", by: Sequence[Expr], own: Domain) -> tuple[Codes, list[str]]:
    """Each row's combination of labels as a number, and what the combinations are called."""
    texts = [evaluator.at(factor, own).values.tolist() for factor in by]
    number: dict[tuple[str, ...], int] = {}
    places = np.array([number.setdefault(p, len(number)) for p in zip(*texts, strict=True)])
    written = [text_of(factor) for factor in by]
    names = [
        ", ".join(f"{name} {quoted(str(label))}" for name, label in zip(written, p, strict=True))
        for p in number
    ]
    return places, names


def _no_spread(call: Apply, owner: str, place: str, what: str, count: int = 1) -> NoColumnsError:
    x, by = (text_of(call.arguments[i]) for i in (0, 1))
    several = "has several" in what
    return NoColumnsError(
        finding(
            "H940",
            f"`{x}` of `{by}` {quoted(owner)} {what} in {place}",
            call.span,
            "one value for each in every place is needed",
            notes=[f"so it is in {count:,} places"] if count > 1 else [],
            help=f"name what else tells the rows apart: `{text_of(call)[:-1]}, …)`"
            if several
            else "fill the gap, or take the place out of the data",
        )
    )


def _columns(evaluator: "Evaluator", call: Apply, own: Domain) -> Made:
    raise AssertionError(f"{listing([text_of(call)])} was put in place of its columns")


_MADE: Mapping[str, Callable[["Evaluator", Apply, Domain], Made]] = dict(
    zip(SEVERAL, (_onehot, _dummies, _spline, _spread, _columns), strict=True)
)
