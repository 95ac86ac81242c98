"""Whether the data fit what wraps their distribution: bounds, thresholds, weights of a mixture."""

from collections.abc import Iterator

import numpy as np

from hdsl.data.column import Column
from hdsl.data.dataset import Dataset, counted_places, shown
from hdsl.data.evaluate import NotDataError
from hdsl.data.problem import SHOWN, finding
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Expr
from hdsl.families.wrapper import WRAPPERS
from hdsl.ir.model import Distribution, Outcome
from hdsl.ir.text import text_of
from hdsl.ir.wrapped import is_discrete

type Values = np.ndarray[tuple[int], np.dtype[np.float64]]

BOUNDS = ("lower", "upper")


def chain(distribution: Distribution) -> Iterator[Distribution]:
    """The wrappers that hold for every value, the outermost first; not those inside a mixture."""
    while distribution.family in WRAPPERS:
        yield distribution
        if WRAPPERS[distribution.family].several:
            return
        distribution = distribution.inner[0]


def check_bounds(
    dataset: Dataset, outcome: Outcome, column: Column, written: str, values: Values
) -> Iterator[Diagnostic]:
    """The values beyond a bound of their distribution, and the bounds that counts cannot have."""
    for wrapper in chain(outcome.distribution):
        for name, expr in wrapper.arguments:
            bound = _values(dataset, expr, column) if name in BOUNDS else None
            if bound is None:
                continue
            known = ~column.missing
            uneven = known & np.isfinite(bound) & (bound != np.floor(bound))
            beyond = known & (values > bound if name == "upper" else values < bound)
            if is_discrete(wrapper) and uneven.any():
                yield _uneven(dataset, column, wrapper, name, expr, bound, uneven)
            elif beyond.any():
                yield _beyond(dataset, column, wrapper, name, expr, written, values, bound, beyond)


def _values(dataset: Dataset, expr: Expr, column: Column) -> Values | None:
    """The values of an expression for each value of an outcome; None where it is not data."""
    try:
        found = dataset.evaluator.at(expr, column.domain).numbers
    except NotDataError:
        return None
    return np.broadcast_to(found, column.missing.shape)


def _uneven(
    dataset: Dataset,
    column: Column,
    wrapper: Distribution,
    name: str,
    expr: Expr,
    bound: Values,
    uneven: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> Diagnostic:
    positions = np.flatnonzero(uneven)
    texts = [shown(float(bound[i])) for i in positions[:SHOWN]]
    return finding(
        "H933",
        f"`{text_of(expr)}` cannot be the `{name}` of `{wrapper.family}` in "
        f"{counted_places(column.domain, len(positions))}",
        expr.span,
        "a bound of counts is a whole number",
        notes=[dataset.places(column.domain, positions, texts)],
        help=f"round it: `{name} = floor({text_of(expr)})`",
    )


def _beyond(
    dataset: Dataset,
    column: Column,
    wrapper: Distribution,
    name: str,
    expr: Expr,
    written: str,
    values: Values,
    bound: Values,
    beyond: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> Diagnostic:
    positions = np.flatnonzero(beyond)
    side = "above" if name == "upper" else "below"
    texts = [
        f"{shown(float(values[i]))}, {side} {shown(float(bound[i]))}" for i in positions[:SHOWN]
    ]
    censored = wrapper.family == "censored"
    what = "the threshold" if censored else "the bound"
    return finding(
        "H930",
        f"`{written}` lies {side} {what} `{text_of(expr)}` in "
        f"{counted_places(column.domain, len(positions))}",
        expr.span,
        f"`{wrapper.family}` has no values {side} its `{name}`",
        notes=[dataset.places(column.domain, positions, texts)],
        help="what is known only to lie at a threshold or beyond is recorded as the threshold: "
        f"`{'min' if name == 'upper' else 'max'}({written}, {text_of(expr)})`; are the columns "
        "swapped?"
        if censored
        else "such values cannot arise: take these rows out of the data, or widen the bound",
    )


def check_weights(
    dataset: Dataset, distribution: Distribution, domain: tuple[str, ...]
) -> Iterator[Diagnostic]:
    """The weights of a mixture that are data and do not add up to 1."""
    if distribution.family != "mixture" or distribution.along is not None:
        return
    try:
        parts = [dataset.evaluator.at(expr, domain) for _, expr in distribution.arguments]
    except NotDataError:
        return
    total = sum(part.numbers for part in parts)
    column = Column(domain, np.asarray(total), np.full(np.shape(total), False))
    broken = np.abs(column.numbers - 1.0) > 1e-6
    if broken.any():
        yield finding(
            "H933",
            f"the weights of a mixture do not add up to 1 in "
            f"{counted_places(domain, int(broken.sum()))}",
            distribution.span,
            "their sum is shown",
            notes=[dataset.show(column, broken)],
            help="the last weight is what the others leave: `mixture([w, 1 - w], d1, d2)`",
        )
