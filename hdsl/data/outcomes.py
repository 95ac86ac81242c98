"""Whether the data can have arisen as the model says: supports of outcomes and of arguments."""

from collections.abc import Iterator
from math import inf

import numpy as np

from hdsl.data.column import Column, Mask
from hdsl.data.dataset import Dataset, counted_places, shown
from hdsl.data.evaluate import NotDataError
from hdsl.data.labelled import check_labelled
from hdsl.data.problem import SHOWN, finding, number
from hdsl.data.promises import promise_broken
from hdsl.data.wrapped import check_bounds, check_weights
from hdsl.diagnostics.diagnostic import Diagnostic
from hdsl.expr import Expr, Value
from hdsl.families import FAMILIES
from hdsl.families.family import Family, Support
from hdsl.families.links import link_of
from hdsl.ir.levels import label_axis
from hdsl.ir.model import Data, Distribution, Outcome, Parameter, Transform
from hdsl.ir.text import text_of
from hdsl.ir.uses import values as used_values
from hdsl.ir.wrapped import every, leaves, parameter_of, unbounded
from hdsl.source import Span


def check_outcomes(dataset: Dataset) -> Iterator[Diagnostic]:
    """The outcomes that are all missing, or have values that their distribution cannot give."""
    for outcome in dataset.model.likelihoods:
        column = dataset.columns.get(outcome.name)
        if column is None:
            continue
        if column.missing.all():
            what = "imputed" if outcome.imputed else "outcome"
            yield finding(
                "H931",
                f"the {what} `{outcome.name}` is missing everywhere",
                outcome.span,
                "there is nothing to learn from",
                notes=[f"in all of {counted_places(column.domain, len(column.missing))}"],
                help="is this the right column?",
            )
            continue
        axis = label_axis(dataset.model, outcome.name)
        if axis is not None:
            yield from check_labelled(dataset, outcome, axis)
        else:
            yield from _outside(dataset, outcome, column)


def _outside(dataset: Dataset, outcome: Outcome, column: Column) -> Iterator[Diagnostic]:
    written, values = outcome.name, column.numbers
    if outcome.transform is not None:
        written, expr = _transformed(outcome.name, outcome.transform)
        values = dataset.evaluator.at(expr, column.domain).numbers
    yield from check_weights(dataset, outcome.distribution, column.domain)
    found = list(_unsupported(dataset, outcome, column, written, values))
    yield from found or check_bounds(dataset, outcome, column, written, values)


def _unsupported(
    dataset: Dataset,
    outcome: Outcome,
    column: Column,
    written: str,
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> Iterator[Diagnostic]:
    """The values outside of the support of the distribution, bounds put on it aside."""
    leaf, *others = leaves(outcome.distribution)
    family, support = FAMILIES[leaf.family], unbounded(outcome.distribution)
    broken = ~column.missing & ~_inside(values, support)
    says = _support_words(support)
    names = (family.lower, family.upper) if not others else (None, None)
    below, above = (_bound(dataset, leaf, name, column) for name in names)
    if below is not None:
        broken |= ~column.missing & (values < below)
        says += f", and not below `{family.lower}`"
    if above is not None:
        broken |= ~column.missing & (values > above)
        says += f", and not above `{family.upper}`"
    if not broken.any():
        return
    positions = np.flatnonzero(broken)
    texts = [_beside(values, above, i) for i in positions[:SHOWN]]
    yield finding(
        "H930",
        f"`{written}` has values that `{family.name}` cannot give, "
        f"in {counted_places(column.domain, len(positions))}",
        _family_span(dataset, leaf),
        f"its values are {says}",
        notes=[dataset.places(column.domain, positions, texts)],
        help=_help(family, values[broken], above is not None),
    )


def _family_span(dataset: Dataset, distribution: Distribution) -> Span:
    """Where the name of a distribution stands in the text."""
    start, family = distribution.span.start, distribution.family
    written = dataset.model.source.text.startswith(family, start)
    return Span(start, start + len(family)) if written else distribution.span


def _transformed(name: str, transform: Transform) -> tuple[str, Expr]:
    """The function of an outcome that has the distribution, as written and as an expression."""
    expr = link_of(transform.link, transform.power).apply(Value(name))
    return text_of(expr), expr


def _bound(
    dataset: Dataset, distribution: Distribution, name: str | None, column: Column
) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """The values of an argument that bounds the support, where it is made of data."""
    expr = dict(distribution.arguments).get(name or "")
    if expr is None:
        return None
    try:
        return dataset.evaluator.at(expr, column.domain).numbers
    except NotDataError:
        return None


def _inside(values: np.ndarray[tuple[int], np.dtype[np.float64]], support: Support) -> Mask:
    lower = values > support.lower if support.open_lower else values >= support.lower
    upper = values < support.upper if support.open_upper else values <= support.upper
    whole = (values == np.floor(values)) | (not support.discrete)
    return np.asarray(lower & upper & whole & np.isfinite(values))


def _support_words(support: Support) -> str:
    if support.discrete:
        if support.upper == inf:
            return f"whole numbers from {number(support.lower)}"
        return f"{number(support.lower)} or {number(support.upper)}"
    if support.lower == -inf and support.upper == inf:
        return "finite numbers"
    if support.upper == inf:
        return f"{'above' if support.open_lower else 'not below'} {number(support.lower)}"
    ends = "0 and 1 themselves left out" if support.open_lower else "0 and 1 included"
    if (support.lower, support.upper) == (0, 1):
        return f"between 0 and 1, {ends}"
    return f"between {number(support.lower)} and {number(support.upper)}"


def _beside(values: np.ndarray[tuple[int], np.dtype[np.float64]], above: object, i: int) -> str:
    text = shown(float(values[i]))
    if isinstance(above, np.ndarray) and values[i] > above[i]:
        return f"{text} of {shown(float(above[i]))}"
    return text


def _help(family: Family, values: np.ndarray[tuple[int], np.dtype[np.float64]], sized: bool) -> str:
    """What the user may have meant, going by the values that do not fit."""
    known = values[np.isfinite(values)]
    if family.support.discrete and (known != np.floor(known)).any():
        return "a discrete distribution is for counts; measurements want a continuous one"
    if family.support.discrete and (known < 0).any():
        return "counts are never negative: is a code such as -9 meant to be missing? empty the cell"
    if family.support.discrete and family.support.upper == 1:
        return "for counts of successes write `binomial(n, p)`"
    if sized:
        return "the number of successes and the number of trials: are the columns swapped?"
    if (known == 0).any():
        return "a value of 0 has no density here: is it a missing value, or a small one rounded?"
    return "choose a distribution with a wider support, such as `normal`, or correct the rows"


def check_arguments(dataset: Dataset) -> Iterator[Diagnostic]:
    """The arguments of distributions that are data and lie where the distribution has none."""
    for node in dataset.model.nodes:
        if not isinstance(node, Outcome | Parameter):
            continue
        if isinstance(node, Parameter) and node.rule is not None:
            continue  # a default prior: what it is made of is reported for itself
        for distribution in every(node.distribution):
            for name, expr in distribution.arguments:
                own, link = parameter_of(distribution, name)
                if link is None and _uses_data(dataset, expr):
                    yield from _argument(dataset, node, distribution, name, expr, own.support)


def _uses_data(dataset: Dataset, expr: Expr) -> bool:
    used = used_values(expr)
    by_name = dataset.model.by_name
    return bool(used) and all(isinstance(by_name.get(name), Data) for name in used)


def _argument(
    dataset: Dataset,
    node: Outcome | Parameter,
    distribution: Distribution,
    name: str,
    expr: Expr,
    support: Support,
) -> Iterator[Diagnostic]:
    try:
        column = dataset.evaluator.at(expr, dataset.evaluator.domain_of(expr))
    except NotDataError:
        return
    broken = ~column.missing & ~_inside(column.numbers, support)
    data = dataset.model.by_name.get(expr.name) if isinstance(expr, Value) else None
    if isinstance(data, Data):
        broken &= ~promise_broken(data, column)  # which is reported for itself
    if not broken.any():
        return
    family = distribution.family
    yield finding(
        "H933",
        f"`{text_of(expr)}` cannot be the `{name}` of `{family}` in "
        f"{counted_places(column.domain, int(broken.sum()))}",
        expr.span if expr.span != node.span else distribution.span,
        f"it must be {_support_words(support)}",
        notes=[dataset.show(column, broken)],
        help="correct these values, or leave the rows out",
    )
